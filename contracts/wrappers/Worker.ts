import { Address, beginCell, Cell, Contract, contractAddress, ContractProvider, Sender } from '@ton/core';
import { Op } from './ops';
import { leafParams, Params } from './params';
import { header } from './signed';

export type WorkerConfig = { owner: Address; proxy: Address; proxyPublicKey: Buffer; params: Params };

export class Worker implements Contract {
  constructor(
    readonly address: Address,
    readonly init?: { code: Cell; data: Cell },
  ) {}

  static createFromAddress(address: Address) {
    return new Worker(address);
  }

  static createFromConfig({ owner, proxy, proxyPublicKey, params }: WorkerConfig, code: Cell, workchain = 0) {
    const data = beginCell()
      .storeAddress(owner)
      .storeAddress(proxy)
      .storeBuffer(proxyPublicKey, 32)
      .storeUint(0, 2)
      .storeUint(0, 64)
      .storeRef(leafParams(params))
      .endCell();
    const init = { code, data };
    return new Worker(contractAddress(workchain, init), init);
  }

  async sendDeploy(provider: ContractProvider, via: Sender, value: bigint) {
    await provider.internal(via, { value, bounce: false });
  }

  // A message made elsewhere: signed payouts may be relayed by anyone.
  async sendBody(provider: ContractProvider, via: Sender, value: bigint, body: Cell) {
    await provider.internal(via, { value, body });
  }

  async sendRegister(
    provider: ContractProvider,
    via: Sender,
    call: { value: bigint; queryId?: bigint; sendExcessesTo: Address },
  ) {
    const body = header(Op.workerRegister, call.queryId ?? 0n).storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async getData(provider: ContractProvider) {
    const { stack } = await provider.get('get_cocoon_worker_data', []);
    return {
      owner: stack.readAddress(),
      proxy: stack.readAddress(),
      proxyPublicKey: stack.readBigNumber(),
      state: stack.readNumber(),
      tokens: stack.readBigNumber(),
    };
  }
}
