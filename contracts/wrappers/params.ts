import { beginCell, Cell } from '@ton/core';

// Amounts in nanoTON, prices in nanoTON per adjusted token, multipliers in 1/10000, delays in seconds. Struct versions 0
// to 5: the minimum stakes came with 1, the multipliers of cached and reasoning tokens with 2, the other two with 3.
export type Params = {
  structVersion: number;
  paramsVersion: number;
  uniqueId: number;
  isTest: boolean;
  pricePerToken: bigint;
  workerFeePerToken: bigint;
  promptMultiplier: number;
  cachedMultiplier: number;
  completionMultiplier: number;
  reasoningMultiplier: number;
  proxyDelayBeforeClose: number;
  clientDelayBeforeClose: number;
  minProxyStake: bigint;
  minClientStake: bigint;
};

export type Codes = { proxy: Cell; worker: Cell; client: Cell };

function paramsToCell(params: Params, codes: Partial<Codes>): Cell {
  const version = params.structVersion;
  const body = beginCell()
    .storeUint(version, 8)
    .storeUint(params.paramsVersion, 32)
    .storeUint(params.uniqueId, 32)
    .storeBit(params.isTest)
    .storeCoins(params.pricePerToken)
    .storeCoins(params.workerFeePerToken);
  if (version >= 3) body.storeUint(params.promptMultiplier, 32);
  if (version >= 2) body.storeUint(params.cachedMultiplier, 32);
  if (version >= 3) body.storeUint(params.completionMultiplier, 32);
  if (version >= 2) body.storeUint(params.reasoningMultiplier, 32);
  body.storeUint(params.proxyDelayBeforeClose, 32).storeUint(params.clientDelayBeforeClose, 32);
  if (version >= 1) body.storeCoins(params.minProxyStake).storeCoins(params.minClientStake);
  return body.storeMaybeRef(codes.proxy).storeMaybeRef(codes.worker).storeMaybeRef(codes.client).endCell();
}

export const rootParams = (params: Params, codes: Codes) => paramsToCell(params, codes);

export const proxyParams = (params: Params, { worker, client }: Codes) => paramsToCell(params, { worker, client });

// For clients and workers.
export const leafParams = (params: Params) => paramsToCell(params, {});
