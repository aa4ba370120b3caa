import { beginCell, Cell } from '@ton/core';

// Amounts in nanoTON, prices in nanoTON per adjusted token, multipliers in 1/10000, delays in seconds.
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
  return beginCell()
    .storeUint(params.structVersion, 8)
    .storeUint(params.paramsVersion, 32)
    .storeUint(params.uniqueId, 32)
    .storeBit(params.isTest)
    .storeCoins(params.pricePerToken)
    .storeCoins(params.workerFeePerToken)
    .storeUint(params.promptMultiplier, 32)
    .storeUint(params.cachedMultiplier, 32)
    .storeUint(params.completionMultiplier, 32)
    .storeUint(params.reasoningMultiplier, 32)
    .storeUint(params.proxyDelayBeforeClose, 32)
    .storeUint(params.clientDelayBeforeClose, 32)
    .storeCoins(params.minProxyStake)
    .storeCoins(params.minClientStake)
    .storeMaybeRef(codes.proxy)
    .storeMaybeRef(codes.worker)
    .storeMaybeRef(codes.client)
    .endCell();
}

export const rootParams = (params: Params, codes: Codes) => paramsToCell(params, codes);

export const proxyParams = (params: Params, { worker, client }: Codes) => paramsToCell(params, { worker, client });

// For clients and workers.
export const leafParams = (params: Params) => paramsToCell(params, {});
