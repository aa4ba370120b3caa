/*
 * libcocoon-attest: judges attestation evidence of confidential machines and GPUs.
 *
 * Pure functions of their arguments: no network, no clock, no files, no environment, no state but what you hold. Safe
 * to call from several threads. Evidence may be hostile: every input is bounded and any bytes give a verdict.
 *
 *   cocoon_demands demands = COCOON_DEMANDS_INIT;
 *   demands.at = time(NULL);
 *   cocoon_verdict *v = cocoon_attest_intel(quote, &collateral, &demands);
 *   if (!cocoon_verdict_accepted(v)) fprintf(stderr, "%s\n", cocoon_verdict_problem(v));
 *   cocoon_verdict_free(v);
 *
 * Link with `pkg-config --cflags --libs cocoon-attest`.
 */
#ifndef COCOON_ATTEST_H
#define COCOON_ATTEST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define COCOON_ATTEST_API __attribute__((visibility("default")))
#else
#define COCOON_ATTEST_API
#endif

/* Changes when a structure or function below changes in a way that programs have to be compiled again for. */
#define COCOON_ATTEST_ABI 1
COCOON_ATTEST_API int cocoon_attest_abi(void);

/* Bytes of yours; read during the call only. {NULL, 0}: absent. */
typedef struct {
  const void* data;
  size_t size;
} cocoon_bytes;

/* What you ask of the evidence. Start from COCOON_DEMANDS_INIT: what is not allowed there is refused. */
typedef struct {
  int64_t at;                        /* seconds since 1970: the time for which is judged */
  cocoon_bytes report_data;          /* 64 bytes that the evidence must be over; absent: you compare it yourself */
  int allow_debug;                   /* machines that their owner can read */
  int allow_service_td;              /* TDX: a migration TD is bound */
  unsigned max_vmpl;                 /* SEV-SNP */
  int accept_unevaluated_collateral; /* genuine hardware whose patch level and revocation nobody checked */
  const char* worst_tcb;             /* "UpToDate" when NULL; "SWHardeningNeeded", "OutOfDate", ... */
  uint32_t min_evaluation_number;    /* Intel: older collateral is a rollback */
  int any_advisory;                  /* open security advisories are accepted */
  const uint8_t* extra_roots;        /* SHA-256 of the DER of roots of your own, 32 bytes each, after the vendors' */
  size_t extra_root_count;
} cocoon_demands;
#define COCOON_DEMANDS_INIT \
  { 0, {NULL, 0}, 0, 0, 0, 0, NULL, 0, 0, NULL, 0 }

/* Intel's collateral for the platform, as its service sends it; certificates and lists in DER. */
typedef struct {
  cocoon_bytes tcb_info, qe_identity, tcb_signer, qe_signer, pck_crl, root_crl;
} cocoon_intel_collateral;

/* AMD's certificates for the product line in DER: ASK (for a VLEK: ASVK), ARK, and the ARK's revocation list. */
typedef struct {
  cocoon_bytes ask, ark, crl;
} cocoon_amd_collateral;

/* NVIDIA's reference manifests (XML) and OCSP responses (DER). */
typedef struct {
  const cocoon_bytes* rims;
  size_t rim_count;
  const cocoon_bytes* ocsp;
  size_t ocsp_count;
  int accept_expired_rim_signers;
} cocoon_nvidia_collateral;

/* The judgement. Free it with cocoon_verdict_free; texts live as long as it does. Never NULL unless memory is out. */
typedef struct cocoon_verdict cocoon_verdict;

/* TDX quotes of version 4 and 5, SGX quotes of version 3. `collateral` may be NULL: then no status is found out. */
COCOON_ATTEST_API cocoon_verdict* cocoon_attest_intel(cocoon_bytes quote, const cocoon_intel_collateral* collateral,
                                                      const cocoon_demands* demands);
/* SEV-SNP reports; `endorsement`: the VCEK or VLEK in DER. */
COCOON_ATTEST_API cocoon_verdict* cocoon_attest_snp(cocoon_bytes report, cocoon_bytes endorsement,
                                                    const cocoon_amd_collateral* collateral,
                                                    const cocoon_demands* demands);
/* GPU or switch evidence: SPDM request and response, the device's chain in PEM, and the nonce (32 bytes) that you sent.
 */
COCOON_ATTEST_API cocoon_verdict* cocoon_attest_nvidia(cocoon_bytes evidence, cocoon_bytes chain_pem,
                                                       cocoon_bytes nonce, const cocoon_nvidia_collateral* collateral,
                                                       const cocoon_demands* demands);
/* Was this build made with the part that reads reference manifests (libxml2, xmlsec1)? */
COCOON_ATTEST_API int cocoon_attest_reads_rims(void);

COCOON_ATTEST_API int cocoon_verdict_accepted(const cocoon_verdict* verdict);
/* "UpToDate", "VALID+VMPL1", "REJECT:QUOTE_SIG_INVALID", ...: for programs. */
COCOON_ATTEST_API const char* cocoon_verdict_text(const cocoon_verdict* verdict);
/* What is wrong and what to do about it, in words; empty when accepted. */
COCOON_ATTEST_API const char* cocoon_verdict_problem(const cocoon_verdict* verdict);
COCOON_ATTEST_API const char* cocoon_verdict_advice(const cocoon_verdict* verdict);
/* Everything that was found out, with every check: one JSON object. */
COCOON_ATTEST_API const char* cocoon_verdict_json(const cocoon_verdict* verdict);
/* The window in which the verdict holds, seconds since 1970. */
COCOON_ATTEST_API int64_t cocoon_verdict_valid_from(const cocoon_verdict* verdict);
COCOON_ATTEST_API int64_t cocoon_verdict_valid_until(const cocoon_verdict* verdict);
COCOON_ATTEST_API void cocoon_verdict_free(cocoon_verdict* verdict);

#ifdef __cplusplus
}
#endif
#endif
