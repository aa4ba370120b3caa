import {
  Address,
  beginCell,
  Cell,
  Contract,
  contractAddress,
  ContractProvider,
  MessageRelaxed,
  Sender,
  storeMessageRelaxed,
} from '@ton/core';
import { sign } from '@ton/crypto';
import { Op } from './ops';
import { header } from './signed';

export type WalletConfig = { publicKey: Buffer; owner: Address };

export type WalletTransfer = {
  seqno: number;
  validUntil: number;
  subwallet?: number;
  messages: { message: MessageRelaxed; mode: number }[];
  secretKey: Buffer;
};

const messageCell = (message: MessageRelaxed) => beginCell().store(storeMessageRelaxed(message)).endCell();

// The body of an external message: up to four messages, sent by the node's key.
export function walletTransfer({ seqno, validUntil, subwallet = 0, messages, secretKey }: WalletTransfer): Cell {
  const unsigned = beginCell().storeUint(subwallet, 32).storeUint(validUntil, 32).storeUint(seqno, 32);
  for (const { message, mode } of messages) unsigned.storeUint(mode, 8).storeRef(messageCell(message));
  const signature = sign(unsigned.endCell().hash(), secretKey);
  return beginCell().storeBuffer(signature, 64).storeBuilder(unsigned).endCell();
}

export class Wallet implements Contract {
  constructor(
    readonly address: Address,
    readonly init?: { code: Cell; data: Cell },
  ) {}

  static createFromAddress(address: Address) {
    return new Wallet(address);
  }

  static createFromConfig({ publicKey, owner }: WalletConfig, code: Cell, workchain = 0) {
    const data = beginCell()
      .storeUint(0, 32)
      .storeUint(0, 32)
      .storeBuffer(publicKey, 32)
      .storeUint(0, 32)
      .storeAddress(owner)
      .endCell();
    const init = { code, data };
    return new Wallet(contractAddress(workchain, init), init);
  }

  async sendExternal(provider: ContractProvider, body: Cell) {
    await provider.external(body);
  }

  async sendFunds(provider: ContractProvider, via: Sender, value: bigint) {
    await provider.internal(via, { value, bounce: false });
  }

  // From the owner: the wallet as a relay.
  async sendMessage(
    provider: ContractProvider,
    via: Sender,
    call: { value: bigint; queryId?: bigint; message: MessageRelaxed; mode: number },
  ) {
    const body = header(Op.walletSendMessage, call.queryId ?? 0n)
      .storeUint(call.mode, 8)
      .storeRef(messageCell(call.message));
    await provider.internal(via, { value: call.value, body: body.endCell() });
  }

  // From the owner: w sweeps, b blocks the node's key, u unblocks it.
  async sendText(provider: ContractProvider, via: Sender, value: bigint, letter: string) {
    await provider.internal(via, { value, body: beginCell().storeUint(0, 32).storeStringTail(letter).endCell() });
  }

  async getSeqno(provider: ContractProvider) {
    return (await provider.get('seqno', [])).stack.readNumber();
  }

  async getPublicKey(provider: ContractProvider) {
    return (await provider.get('get_public_key', [])).stack.readBigNumber();
  }

  async getOwnerAddress(provider: ContractProvider) {
    return (await provider.get('get_owner_address', [])).stack.readAddress();
  }
}
