/*
 * Judges a TDX or SGX quote with libcocoon-attest.
 *
 *   cc -o attest attest.c $(pkg-config --cflags --libs cocoon-attest)
 *   ./attest QUOTE SECONDS_SINCE_1970 [TCB_INFO QE_IDENTITY TCB_SIGNER QE_SIGNER PCK_CRL ROOT_CRL [ROOT_SHA256]]
 *
 * Prints the verdict and exits 0 when it is accepted, 1 when not.
 */
#include <cocoon/attest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cocoon_bytes load(const char* path) {
  enum { limit = 4 * 1024 * 1024 };
  cocoon_bytes out = {NULL, 0};
  FILE* file = fopen(path, "rb");
  unsigned char* data = malloc(limit);
  if (!file || !data) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(2);
  }
  out.size = fread(data, 1, limit, file);
  out.data = data;
  fclose(file);
  return out;
}

int main(int argc, char** argv) {
  cocoon_demands demands = COCOON_DEMANDS_INIT;
  cocoon_intel_collateral collateral;
  unsigned char root[32];
  if (argc != 3 && argc != 9 && argc != 10) {
    fprintf(stderr,
            "usage: %s QUOTE SECONDS [TCB_INFO QE_IDENTITY TCB_SIGNER QE_SIGNER PCK_CRL ROOT_CRL [ROOT_SHA256]]\n",
            argv[0]);
    return 2;
  }
  demands.at = strtoll(argv[2], NULL, 10);
  if (argc >= 9) {
    collateral.tcb_info = load(argv[3]);
    collateral.qe_identity = load(argv[4]);
    collateral.tcb_signer = load(argv[5]);
    collateral.qe_signer = load(argv[6]);
    collateral.pck_crl = load(argv[7]);
    collateral.root_crl = load(argv[8]);
  }
  if (argc == 10) {
    for (int i = 0; i < 32; ++i) {
      unsigned byte = 0;
      if (strlen(argv[9]) != 64 || sscanf(argv[9] + 2 * i, "%2x", &byte) != 1) return 2;
      root[i] = (unsigned char)byte;
    }
    demands.extra_roots = root;
    demands.extra_root_count = 1;
  }
  cocoon_verdict* verdict = cocoon_attest_intel(load(argv[1]), argc >= 9 ? &collateral : NULL, &demands);
  if (!verdict) return 2;
  const int accepted = cocoon_verdict_accepted(verdict);
  printf("%s\n", cocoon_verdict_text(verdict));
  if (!accepted) printf("%s: %s\n", cocoon_verdict_problem(verdict), cocoon_verdict_advice(verdict));
  cocoon_verdict_free(verdict);
  return accepted ? 0 : 1;
}
