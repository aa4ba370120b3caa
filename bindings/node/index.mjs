// Attestation evidence judged from JavaScript, by libcocoon-attest.
//
//   import { load } from './index.mjs';
//   const attest = load('build/release/lib/cocoon_attest.node');
//   const verdict = attest.intel({ quote, collateral, demands: { at: new Date() } });
//   if (!verdict.accepted) throw new Error(verdict.problem);
//
// Evidence and collateral are Uint8Arrays (a Buffer is one). Demands are the fields of cocoon_demands in
// include/cocoon/attest.h, in camel case; `at` is a Date or seconds since 1970. A verdict is the parsed JSON of the
// library with `text` ("UpToDate", "REJECT:..."). Wrong arguments throw; bad evidence never does.
import { createRequire } from 'node:module';
import path from 'node:path';

function demandsOf({ at, ...rest } = {}) {
  if (at === undefined) throw new TypeError('demands.at says for which time to judge: a Date or seconds since 1970');
  const seconds = at instanceof Date ? Math.floor(at.getTime() / 1000) : at;
  if (!Number.isSafeInteger(seconds)) throw new TypeError('demands.at is no time');
  return { ...rest, at: seconds };
}

const verdictOf = ({ text, json }) => ({ ...JSON.parse(json), text });

export function load(addon) {
  const native = createRequire(import.meta.url)(path.resolve(addon));
  return {
    // TDX and SGX quotes.
    intel({ quote, collateral: c = {}, demands }) {
      return verdictOf(
        native.intel(quote, c.tcbInfo, c.qeIdentity, c.tcbSigner, c.qeSigner, c.pckCrl, c.rootCrl, demandsOf(demands)),
      );
    },
    // SEV-SNP reports with their VCEK or VLEK.
    snp({ report, endorsement, collateral: c = {}, demands }) {
      return verdictOf(native.snp(report, endorsement, c.ask, c.ark, c.crl, demandsOf(demands)));
    },
    // NVIDIA's GPUs and switches.
    nvidia({ evidence, chain, nonce, collateral: c = {}, demands }) {
      return verdictOf(native.nvidia(evidence, chain, nonce, c.rims, c.ocsp, demandsOf(demands)));
    },
  };
}
