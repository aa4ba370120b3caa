import { Address, beginCell, Builder, Cell } from '@ton/core';
import { sign } from '@ton/crypto';

export type SignedOptions = { queryId: bigint; sendExcessesTo: Address; secretKey: Buffer };

export const header = (op: number, queryId: bigint): Builder => beginCell().storeUint(op, 32).storeUint(queryId, 64);

// Wraps an inner cell that somebody signed. The signature does not cover where the excesses go: anyone may repack.
export function wrapSigned(op: number, queryId: bigint, sendExcessesTo: Address, signature: Buffer, inner: Cell): Cell {
  return header(op, queryId).storeAddress(sendExcessesTo).storeBuffer(signature, 64).storeRef(inner).endCell();
}

export function signInner(op: number, inner: Cell, { queryId, sendExcessesTo, secretKey }: SignedOptions): Cell {
  return wrapSigned(op, queryId, sendExcessesTo, sign(inner.hash(), secretKey), inner);
}

// Charge, grant refund, payout, last payout: tokens is the cumulative counter.
export function signTokens(op: number, contract: Address, tokens: bigint, options: SignedOptions): Cell {
  const inner = header(op, options.queryId).storeUint(tokens, 64).storeAddress(contract).endCell();
  return signInner(op, inner, options);
}

export function signClose(op: number, contract: Address, options: SignedOptions): Cell {
  return signInner(op, header(op, options.queryId).storeAddress(contract).endCell(), options);
}
