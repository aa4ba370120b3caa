import { Address, beginCell, Cell, Contract, contractAddress, ContractProvider, Sender } from '@ton/core';
import { Op } from './ops';
import { Codes, Params, proxyParams } from './params';
import { header } from './signed';

export type ProxyConfig = { owner: Address; publicKey: Buffer; root: Address; params: Params; codes: Codes };

type Call = { value: bigint; queryId?: bigint; sendExcessesTo: Address };

export class Proxy implements Contract {
  constructor(
    readonly address: Address,
    readonly init?: { code: Cell; data: Cell },
  ) {}

  static createFromAddress(address: Address) {
    return new Proxy(address);
  }

  static createFromConfig({ owner, publicKey, root, params, codes }: ProxyConfig, workchain = 0) {
    const data = beginCell()
      .storeAddress(owner)
      .storeBuffer(publicKey, 32)
      .storeAddress(root)
      .storeUint(0, 2)
      .storeCoins(0)
      .storeCoins(0)
      .storeUint(0, 32)
      .storeRef(proxyParams(params, codes))
      .endCell();
    const init = { code: codes.proxy, data };
    return new Proxy(contractAddress(workchain, init), init);
  }

  async sendDeploy(provider: ContractProvider, via: Sender, value: bigint) {
    await provider.internal(via, { value, bounce: false });
  }

  // A message made elsewhere: signed close requests may be relayed by anyone.
  async sendBody(provider: ContractProvider, via: Sender, value: bigint, body: Cell) {
    await provider.internal(via, { value, body });
  }

  async sendIncreaseStake(provider: ContractProvider, via: Sender, call: Call & { amount: bigint }) {
    const body = header(Op.proxyIncreaseStake, call.queryId ?? 0n)
      .storeCoins(call.amount)
      .storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  // Pays the commission to the owner, whoever asks.
  async sendPayoutRequest(provider: ContractProvider, via: Sender, call: Call) {
    const body = header(Op.proxyPayoutRequest, call.queryId ?? 0n).storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async sendClose(provider: ContractProvider, via: Sender, call: Call) {
    const body = header(Op.proxyClose, call.queryId ?? 0n).storeAddress(call.sendExcessesTo);
    await this.sendBody(provider, via, call.value, body.endCell());
  }

  async sendText(provider: ContractProvider, via: Sender, value: bigint, letter: string) {
    await this.sendBody(provider, via, value, beginCell().storeUint(0, 32).storeStringTail(letter).endCell());
  }

  async getData(provider: ContractProvider) {
    const { stack } = await provider.get('get_cocoon_proxy_data', []);
    return {
      owner: stack.readAddress(),
      publicKey: stack.readBigNumber(),
      root: stack.readAddress(),
      state: stack.readNumber(),
      balance: stack.readBigNumber(),
      stake: stack.readBigNumber(),
      unlockTs: stack.readNumber(),
      pricePerToken: stack.readBigNumber(),
      workerFeePerToken: stack.readBigNumber(),
      minProxyStake: stack.readBigNumber(),
      minClientStake: stack.readBigNumber(),
      paramsVersion: stack.readNumber(),
    };
  }

  // Coins on the account that belong to clients and workers.
  async getDeposits(provider: ContractProvider) {
    return (await provider.get('get_deposits', [])).stack.readBigNumber();
  }
}
