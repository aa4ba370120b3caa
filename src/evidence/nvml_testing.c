/* What evidence needs of NVML, for tests: one GPU whose evidence comes from the environment. Shapes as in nvml.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct certificate {
  unsigned chain_size, attestation_chain_size;
  unsigned char chain[0x1000], attestation_chain[0x1400];
};
struct report {
  unsigned has_cec_report, report_size, cec_report_size;
  unsigned char nonce[0x20], report[0x2000], cec_report[0x1000];
};

static unsigned load(const char *variable, unsigned char *to, size_t limit) {
  const char *path = getenv(variable);
  FILE *file = path ? fopen(path, "rb") : NULL;
  size_t n = file ? fread(to, 1, limit, file) : 0;
  if (file) fclose(file);
  return (unsigned)n;
}

int nvmlInit_v2(void) { return getenv("NVML_TESTING_OFF") ? 9 : 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) {
  *count = 1;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  *device = (void *)"gpu";
  return index == 0 ? 0 : 2;
}
int nvmlDeviceGetConfComputeGpuCertificate(void *device, struct certificate *out) {
  (void)device;
  out->attestation_chain_size =
      load("NVML_TESTING_CHAIN", out->attestation_chain, sizeof out->attestation_chain);
  return out->attestation_chain_size ? 0 : 3;
}
/* The nonce goes where a request has it; nobody signs that again. */
int nvmlDeviceGetConfComputeGpuAttestationReport(void *device, struct report *out) {
  (void)device;
  out->report_size = load("NVML_TESTING_REPORT", out->report, sizeof out->report);
  if (out->report_size > 36) memcpy(out->report + 4, out->nonce, sizeof out->nonce);
  return out->report_size ? 0 : 3;
}
