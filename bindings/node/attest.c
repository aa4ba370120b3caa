/*
 * Node-API door to libcocoon-attest. Three functions, each (evidence..., collateral..., demands) -> JSON text;
 * index.mjs gives them the shape that JavaScript likes. Bytes come as Uint8Array; undefined and null are absent.
 */
#define NAPI_VERSION 8
#include "cocoon/attest.h"

#include <node_api.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGUMENTS 8
#define MAX_PIECES 64

static napi_value fail(napi_env env, const char* what) {
  napi_throw_type_error(env, NULL, what);
  return NULL;
}

/* 0 when the value is neither bytes nor absent. */
static int bytes_of(napi_env env, napi_value value, cocoon_bytes* out) {
  napi_valuetype type;
  bool is_array = false;
  out->data = NULL;
  out->size = 0;
  if (napi_typeof(env, value, &type) != napi_ok) return 0;
  if (type == napi_undefined || type == napi_null) return 1;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array) return 0;
  napi_typedarray_type kind;
  size_t length = 0;
  void* data = NULL;
  if (napi_get_typedarray_info(env, value, &kind, &length, &data, NULL, NULL) != napi_ok) return 0;
  if (kind != napi_uint8_array && kind != napi_uint8_clamped_array) return 0;
  /* Empty arrays have no address; they are there all the same. */
  out->data = length ? data : "";
  out->size = length;
  return 1;
}

static int list_of(napi_env env, napi_value value, cocoon_bytes* out, size_t* count) {
  napi_valuetype type;
  uint32_t length = 0;
  *count = 0;
  if (napi_typeof(env, value, &type) != napi_ok) return 0;
  if (type == napi_undefined || type == napi_null) return 1;
  if (napi_get_array_length(env, value, &length) != napi_ok || length > MAX_PIECES) return 0;
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    if (napi_get_element(env, value, i, &element) != napi_ok || !bytes_of(env, element, &out[i])) return 0;
  }
  *count = length;
  return 1;
}

static int number_of(napi_env env, napi_value object, const char* name, int64_t* out) {
  napi_value value;
  napi_valuetype type;
  if (napi_get_named_property(env, object, name, &value) != napi_ok || napi_typeof(env, value, &type) != napi_ok)
    return 0;
  if (type == napi_undefined) return 1;
  bool flag = false;
  if (type == napi_boolean && napi_get_value_bool(env, value, &flag) == napi_ok) {
    *out = flag ? 1 : 0;
    return 1;
  }
  return type == napi_number && napi_get_value_int64(env, value, out) == napi_ok;
}

/* What demands point into. */
struct demands {
  cocoon_demands c;
  char worst_tcb[64];
  cocoon_bytes roots;
  int64_t accept_expired_rim_signers;
};

static int demands_of(napi_env env, napi_value object, struct demands* out) {
  const cocoon_demands none = COCOON_DEMANDS_INIT;
  int64_t debug = 0, service_td = 0, vmpl = 0, unevaluated = 0, evaluation = 0, advisory = 0;
  napi_value value;
  napi_valuetype type;
  memset(out, 0, sizeof *out);
  out->c = none;
  if (napi_typeof(env, object, &type) != napi_ok || type != napi_object) return 0;
  if (!number_of(env, object, "at", &out->c.at) || !number_of(env, object, "allowDebug", &debug) ||
      !number_of(env, object, "allowServiceTd", &service_td) || !number_of(env, object, "maxVmpl", &vmpl) ||
      !number_of(env, object, "acceptUnevaluatedCollateral", &unevaluated) ||
      !number_of(env, object, "minEvaluationNumber", &evaluation) ||
      !number_of(env, object, "anyAdvisory", &advisory) ||
      !number_of(env, object, "acceptExpiredRimSigners", &out->accept_expired_rim_signers))
    return 0;
  if (vmpl < 0 || vmpl > 3 || evaluation < 0 || evaluation > UINT32_MAX) return 0;
  out->c.allow_debug = debug != 0;
  out->c.allow_service_td = service_td != 0;
  out->c.max_vmpl = (unsigned)vmpl;
  out->c.accept_unevaluated_collateral = unevaluated != 0;
  out->c.min_evaluation_number = (uint32_t)evaluation;
  out->c.any_advisory = advisory != 0;
  if (napi_get_named_property(env, object, "worstTcb", &value) != napi_ok || napi_typeof(env, value, &type) != napi_ok)
    return 0;
  if (type == napi_string) {
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length >= sizeof out->worst_tcb)
      return 0;
    napi_get_value_string_utf8(env, value, out->worst_tcb, sizeof out->worst_tcb, &length);
    out->c.worst_tcb = out->worst_tcb;
  } else if (type != napi_undefined) {
    return 0;
  }
  if (napi_get_named_property(env, object, "reportData", &value) != napi_ok ||
      !bytes_of(env, value, &out->c.report_data))
    return 0;
  if (napi_get_named_property(env, object, "extraRoots", &value) != napi_ok || !bytes_of(env, value, &out->roots))
    return 0;
  if (out->roots.size % 32 != 0) return 0;
  out->c.extra_roots = out->roots.size ? out->roots.data : NULL;
  out->c.extra_root_count = out->roots.size / 32;
  return 1;
}

static napi_value answer(napi_env env, cocoon_verdict* verdict) {
  napi_value object, text, json;
  if (!verdict) return fail(env, "out of memory");
  napi_create_object(env, &object);
  napi_create_string_utf8(env, cocoon_verdict_text(verdict), NAPI_AUTO_LENGTH, &text);
  napi_create_string_utf8(env, cocoon_verdict_json(verdict), NAPI_AUTO_LENGTH, &json);
  napi_set_named_property(env, object, "text", text);
  napi_set_named_property(env, object, "json", json);
  cocoon_verdict_free(verdict);
  return object;
}

/* quote, tcbInfo, qeIdentity, tcbSigner, qeSigner, pckCrl, rootCrl, demands */
static napi_value intel(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  size_t count = MAX_ARGUMENTS;
  cocoon_bytes in[7];
  struct demands demands;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 8)
    return fail(env, "intel takes a quote, six pieces of collateral and demands");
  for (size_t i = 0; i < 7; ++i)
    if (!bytes_of(env, arguments[i], &in[i])) return fail(env, "evidence and collateral are Uint8Arrays");
  if (!demands_of(env, arguments[7], &demands)) return fail(env, "demands have a field of the wrong type or range");
  const cocoon_intel_collateral collateral = {in[1], in[2], in[3], in[4], in[5], in[6]};
  return answer(env, cocoon_attest_intel(in[0], in[1].data ? &collateral : NULL, &demands.c));
}

/* report, endorsement, ask, ark, crl, demands */
static napi_value snp(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  size_t count = MAX_ARGUMENTS;
  cocoon_bytes in[5];
  struct demands demands;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 6)
    return fail(env, "snp takes a report, an endorsement, three pieces of collateral and demands");
  for (size_t i = 0; i < 5; ++i)
    if (!bytes_of(env, arguments[i], &in[i])) return fail(env, "evidence and collateral are Uint8Arrays");
  if (!demands_of(env, arguments[5], &demands)) return fail(env, "demands have a field of the wrong type or range");
  const cocoon_amd_collateral collateral = {in[2], in[3], in[4]};
  return answer(env, cocoon_attest_snp(in[0], in[1], &collateral, &demands.c));
}

/* evidence, chain, nonce, rims, ocsp, demands */
static napi_value nvidia(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  size_t count = MAX_ARGUMENTS;
  cocoon_bytes in[3], rims[MAX_PIECES], ocsp[MAX_PIECES];
  struct demands demands;
  cocoon_nvidia_collateral collateral = {rims, 0, ocsp, 0, 0};
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 6)
    return fail(env, "nvidia takes evidence, chain, nonce, manifests, OCSP responses and demands");
  for (size_t i = 0; i < 3; ++i)
    if (!bytes_of(env, arguments[i], &in[i])) return fail(env, "evidence and collateral are Uint8Arrays");
  if (!list_of(env, arguments[3], rims, &collateral.rim_count) ||
      !list_of(env, arguments[4], ocsp, &collateral.ocsp_count))
    return fail(env, "manifests and OCSP responses are lists of at most 64 Uint8Arrays");
  if (!demands_of(env, arguments[5], &demands)) return fail(env, "demands have a field of the wrong type or range");
  collateral.accept_expired_rim_signers = demands.accept_expired_rim_signers != 0;
  return answer(env, cocoon_attest_nvidia(in[0], in[1], in[2], &collateral, &demands.c));
}

static napi_value start(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"intel", NULL, intel, NULL, NULL, NULL, napi_enumerable, NULL},
      {"snp", NULL, snp, NULL, NULL, NULL, napi_enumerable, NULL},
      {"nvidia", NULL, nvidia, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  if (cocoon_attest_abi() != COCOON_ATTEST_ABI) return fail(env, "libcocoon-attest has another ABI than this binding");
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}
NAPI_MODULE(cocoon_attest, start)
