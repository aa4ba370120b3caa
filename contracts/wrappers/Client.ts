import { Address, beginCell, Cell, Contract, contractAddress, ContractProvider, Sender } from '@ton/core';
import { Op } from './ops';
import { leafParams, Params } from './params';
import { header } from './signed';

export type ClientConfig = { owner: Address; proxy: Address; proxyPublicKey: Buffer; params: Params };

type Call = { value: bigint; queryId?: bigint; sendExcessesTo: Address };

export class Client implements Contract {
  constructor(
    readonly address: Address,
    readonly init?: { code: Cell; data: Cell },
  ) {}

  static createFromAddress(address: Address) {
    return new Client(address);
  }

  static createFromConfig({ owner, proxy, proxyPublicKey, params }: ClientConfig, code: Cell, workchain = 0) {
    const parties = beginCell().storeAddress(owner).storeAddress(proxy).storeBuffer(proxyPublicKey, 32).endCell();
    const data = beginCell()
      .storeUint(0, 2)
      .storeCoins(0)
      .storeCoins(params.minClientStake)
      .storeUint(0, 64)
      .storeUint(0, 32)
      .storeUint(0, 256)
      .storeRef(parties)
      .storeRef(leafParams(params))
      .endCell();
    const init = { code, data };
    return new Client(contractAddress(workchain, init), init);
  }

  async sendDeploy(provider: ContractProvider, via: Sender, value: bigint) {
    await provider.internal(via, { value, bounce: false });
  }

  // A message made elsewhere: signed charges and refunds may be relayed by anyone.
  async sendBody(provider: ContractProvider, via: Sender, value: bigint, body: Cell) {
    await provider.internal(via, { value, body });
  }

  async sendTopUp(provider: ContractProvider, via: Sender, call: Call & { amount: bigint }) {
    const body = header(Op.clientTopUp, call.queryId ?? 0n)
      .storeCoins(call.amount)
      .storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async sendChangeSecretHashAndTopUp(
    provider: ContractProvider,
    via: Sender,
    call: Call & { amount: bigint; secretHash: bigint },
  ) {
    const body = header(Op.clientChangeSecretHashAndTopUp, call.queryId ?? 0n)
      .storeCoins(call.amount)
      .storeUint(call.secretHash, 256)
      .storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async sendRegister(provider: ContractProvider, via: Sender, call: Call & { nonce: bigint }) {
    const body = header(Op.clientRegister, call.queryId ?? 0n)
      .storeUint(call.nonce, 64)
      .storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async sendChangeSecretHash(provider: ContractProvider, via: Sender, call: Call & { secretHash: bigint }) {
    const body = header(Op.clientChangeSecretHash, call.queryId ?? 0n)
      .storeUint(call.secretHash, 256)
      .storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  // The new stake itself, not the increase.
  async sendIncreaseStake(provider: ContractProvider, via: Sender, call: Call & { stake: bigint }) {
    const body = header(Op.clientIncreaseStake, call.queryId ?? 0n)
      .storeCoins(call.stake)
      .storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async sendWithdraw(provider: ContractProvider, via: Sender, call: Call) {
    const body = header(Op.clientWithdraw, call.queryId ?? 0n).storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async sendRequestRefund(provider: ContractProvider, via: Sender, call: Call) {
    const body = header(Op.clientRequestRefund, call.queryId ?? 0n).storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async getData(provider: ContractProvider) {
    const { stack } = await provider.get('get_cocoon_client_data', []);
    return {
      owner: stack.readAddress(),
      proxy: stack.readAddress(),
      proxyPublicKey: stack.readBigNumber(),
      state: stack.readNumber(),
      balance: stack.readBigNumber(),
      stake: stack.readBigNumber(),
      tokensUsed: stack.readBigNumber(),
      unlockTs: stack.readNumber(),
      secretHash: stack.readBigNumber(),
    };
  }
}
