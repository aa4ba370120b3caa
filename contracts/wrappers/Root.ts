import {
  Address,
  beginCell,
  Builder,
  Cell,
  Contract,
  contractAddress,
  ContractProvider,
  Dictionary,
  DictionaryValue,
  Sender,
} from '@ton/core';
import { Op } from './ops';
import { Codes, Params, rootParams } from './params';
import { header, signInner, SignedOptions } from './signed';

export type RootConfig = {
  owner: Address;
  version: number;
  params: Params;
  codes: Codes;
  proxyHashes?: bigint[];
  workerHashes?: bigint[];
  modelHashes?: bigint[];
  proxies?: Record<number, string>; // by seqno, "ip:port" or "ip:port ip:port"
  lastProxySeqno?: number;
  keyManager?: KeyManager; // only written from generation 4 on
  verifiedKeys?: Cell; // only written from generation 5 on
};

export type KeyManager = { publicKey: bigint; imageHash: bigint; address: string };

export type PublicKey = { publicKey: bigint; keyType: number; expireAt: number };

export type Image = 'worker' | 'model' | 'proxy';

const nothing: DictionaryValue<null> = { serialize: () => {}, parse: () => null };

const netAddressValue: DictionaryValue<string> = {
  serialize: (address, builder) => storeNetAddress(builder, address),
  parse: () => {
    throw new Error('network addresses are only written');
  },
};

function storeNetAddress(builder: Builder, address: string): Builder {
  const text = Buffer.from(address);
  return builder.storeBit(false).storeUint(text.length, 7).storeBuffer(text);
}

function hashSet(hashes: bigint[] = []) {
  const set = Dictionary.empty(Dictionary.Keys.BigUint(256), nothing);
  for (const hash of hashes) set.set(hash, null);
  return set;
}

export function rootData(config: RootConfig): Cell {
  const proxies = Dictionary.empty(Dictionary.Keys.Uint(32), netAddressValue);
  for (const [seqno, address] of Object.entries(config.proxies ?? {})) proxies.set(Number(seqno), address);
  const registry = beginCell()
    .storeDict(hashSet(config.proxyHashes))
    .storeDict(proxies)
    .storeUint(config.lastProxySeqno ?? 0, 32)
    .storeDict(hashSet(config.workerHashes))
    .storeDict(hashSet(config.modelHashes))
    .endCell();
  const { publicKey, imageHash, address } = config.keyManager ?? { publicKey: 0n, imageHash: 0n, address: '' };
  const keyManager = beginCell().storeDict(null).storeUint(publicKey, 256).storeUint(imageHash, 256);
  const data = beginCell()
    .storeAddress(config.owner)
    .storeUint(config.version, 32)
    .storeRef(registry)
    .storeRef(rootParams(config.params, config.codes));
  if (config.params.structVersion >= 4) data.storeRef(storeNetAddress(keyManager, address).endCell());
  if (config.params.structVersion >= 5) data.storeRef(config.verifiedKeys ?? beginCell().storeUint(0, 3).endCell());
  return data.endCell();
}

const storePublicKey = (builder: Builder, { publicKey, keyType, expireAt }: PublicKey) =>
  builder.storeUint(publicKey, 256).storeUint(keyType, 8).storeUint(expireAt, 32);

// What the key manager signs; anyone may send it.
export function signPublicKey(key: PublicKey, options: SignedOptions): Cell {
  const inner = storePublicKey(header(Op.rootAddPublicKeySigned, options.queryId), key);
  return signInner(Op.rootAddPublicKeySigned, inner.endCell(), options);
}

// The query id with which a production root expects a signed key: its own address is in it.
export function boundQueryId(root: Address, key: PublicKey): bigint {
  const hash = storePublicKey(beginCell().storeAddress(root), key).endCell().hash();
  return hash.readBigUInt64BE(0);
}

const addOp = { worker: Op.rootAddWorkerHash, model: Op.rootAddModelHash, proxy: Op.rootAddProxyHash };
const deleteOp = { worker: Op.rootDeleteWorkerHash, model: Op.rootDeleteModelHash, proxy: Op.rootDeleteProxyHash };

export class Root implements Contract {
  constructor(
    readonly address: Address,
    readonly init?: { code: Cell; data: Cell },
  ) {}

  static createFromAddress(address: Address) {
    return new Root(address);
  }

  static createFromConfig(config: RootConfig, code: Cell, workchain = 0) {
    const init = { code, data: rootData(config) };
    return new Root(contractAddress(workchain, init), init);
  }

  async sendDeploy(provider: ContractProvider, via: Sender, value: bigint) {
    await provider.internal(via, { value, bounce: false });
  }

  async sendBody(provider: ContractProvider, via: Sender, value: bigint, body: Cell) {
    await provider.internal(via, { value, body });
  }

  private async administer(
    provider: ContractProvider,
    via: Sender,
    op: number,
    store: (body: Builder) => Builder = (body) => body,
  ) {
    await this.sendBody(provider, via, 100_000_000n, store(header(op, 0n)).endCell());
  }

  async sendAddHash(provider: ContractProvider, via: Sender, image: Image, hash: bigint) {
    await this.administer(provider, via, addOp[image], (body) => body.storeUint(hash, 256));
  }

  async sendDeleteHash(provider: ContractProvider, via: Sender, image: Image, hash: bigint) {
    await this.administer(provider, via, deleteOp[image], (body) => body.storeUint(hash, 256));
  }

  async sendRegisterProxy(provider: ContractProvider, via: Sender, address: string) {
    await this.administer(provider, via, Op.rootRegisterProxy, (body) => storeNetAddress(body, address));
  }

  async sendUpdateProxy(provider: ContractProvider, via: Sender, seqno: number, address: string) {
    await this.administer(provider, via, Op.rootUpdateProxy, (body) =>
      storeNetAddress(body.storeUint(seqno, 32), address),
    );
  }

  async sendUnregisterProxy(provider: ContractProvider, via: Sender, seqno: number) {
    await this.administer(provider, via, Op.rootUnregisterProxy, (body) => body.storeUint(seqno, 32));
  }

  async sendChangePrice(provider: ContractProvider, via: Sender, pricePerToken: bigint, workerFeePerToken: bigint) {
    await this.administer(provider, via, Op.rootChangePrice, (body) =>
      body.storeCoins(pricePerToken).storeCoins(workerFeePerToken),
    );
  }

  // The multipliers of the params stay as they are.
  async sendChangeParams(provider: ContractProvider, via: Sender, params: Params) {
    await this.administer(provider, via, Op.rootChangeParams, (body) =>
      body
        .storeCoins(params.pricePerToken)
        .storeCoins(params.workerFeePerToken)
        .storeUint(params.proxyDelayBeforeClose, 32)
        .storeUint(params.clientDelayBeforeClose, 32)
        .storeCoins(params.minProxyStake)
        .storeCoins(params.minClientStake),
    );
  }

  async sendChangeAllParams(provider: ContractProvider, via: Sender, params: Params) {
    await this.administer(provider, via, Op.rootChangeAllParams, (body) =>
      body
        .storeCoins(params.pricePerToken)
        .storeCoins(params.workerFeePerToken)
        .storeUint(params.promptMultiplier, 32)
        .storeUint(params.cachedMultiplier, 32)
        .storeUint(params.completionMultiplier, 32)
        .storeUint(params.reasoningMultiplier, 32)
        .storeUint(params.proxyDelayBeforeClose, 32)
        .storeUint(params.clientDelayBeforeClose, 32)
        .storeCoins(params.minProxyStake)
        .storeCoins(params.minClientStake),
    );
  }

  async sendUpgradeContracts(provider: ContractProvider, via: Sender, codes: Codes) {
    await this.administer(provider, via, Op.rootUpgradeContracts, (body) =>
      body.storeRef(codes.proxy).storeRef(codes.worker).storeRef(codes.client),
    );
  }

  async sendUpgradeCode(provider: ContractProvider, via: Sender, code: Cell) {
    await this.administer(provider, via, Op.rootUpgradeCode, (body) => body.storeRef(code));
  }

  async sendUpgradeFull(provider: ContractProvider, via: Sender, data: Cell, code: Cell) {
    await this.administer(provider, via, Op.rootUpgradeFull, (body) => body.storeRef(data).storeRef(code));
  }

  async sendReset(provider: ContractProvider, via: Sender) {
    await this.administer(provider, via, Op.rootReset);
  }

  async sendChangeOwner(provider: ContractProvider, via: Sender, owner: Address) {
    await this.administer(provider, via, Op.rootChangeOwner, (body) => body.storeAddress(owner));
  }

  async sendChangeKeyManager(provider: ContractProvider, via: Sender, keyManager: KeyManager) {
    await this.administer(provider, via, Op.rootChangeKeyManager, (body) =>
      storeNetAddress(
        body.storeUint(keyManager.publicKey, 256).storeUint(keyManager.imageHash, 256),
        keyManager.address,
      ),
    );
  }

  async sendAddPublicKey(provider: ContractProvider, via: Sender, key: PublicKey) {
    await this.administer(provider, via, Op.rootAddPublicKey, (body) => storePublicKey(body, key));
  }

  async getLastProxySeqno(provider: ContractProvider) {
    return (await provider.get('last_proxy_seqno', [])).stack.readNumber();
  }

  async getData(provider: ContractProvider) {
    const { stack } = await provider.get('get_cocoon_data', []);
    return {
      version: stack.readNumber(),
      lastProxySeqno: stack.readNumber(),
      paramsVersion: stack.readNumber(),
      uniqueId: stack.readNumber(),
      isTest: stack.readNumber(),
      pricePerToken: stack.readBigNumber(),
      workerFeePerToken: stack.readBigNumber(),
      minProxyStake: stack.readBigNumber(),
      minClientStake: stack.readBigNumber(),
      owner: stack.readAddress(),
    };
  }

  async getParams(provider: ContractProvider) {
    const { stack } = await provider.get('get_cur_params', []);
    return {
      paramsVersion: stack.readNumber(),
      uniqueId: stack.readNumber(),
      isTest: stack.readNumber(),
      pricePerToken: stack.readBigNumber(),
      workerFeePerToken: stack.readBigNumber(),
      cachedMultiplier: stack.readNumber(),
      reasoningMultiplier: stack.readNumber(),
      proxyDelayBeforeClose: stack.readNumber(),
      clientDelayBeforeClose: stack.readNumber(),
      minProxyStake: stack.readBigNumber(),
      minClientStake: stack.readBigNumber(),
      proxyCodeHash: stack.readBigNumber(),
      workerCodeHash: stack.readBigNumber(),
      clientCodeHash: stack.readBigNumber(),
    };
  }

  // The params as they are stored.
  async getParamsCell(provider: ContractProvider): Promise<Cell> {
    const { state } = await provider.getState();
    if (state.type !== 'active' || !state.data) throw new Error('the root contract is not deployed');
    return Cell.fromBoc(state.data)[0].refs[1];
  }

  async getHashIsValid(provider: ContractProvider, image: Image, hash: bigint) {
    const { stack } = await provider.get(`${image}_hash_is_valid`, [{ type: 'int', value: hash }]);
    return stack.readBoolean();
  }

  // Whether it is registered; an expired key counts until the next one comes and removes it.
  async getPublicKeyIsValid(provider: ContractProvider, publicKey: bigint) {
    const { stack } = await provider.get('public_key_is_valid', [{ type: 'int', value: publicKey }]);
    return stack.readBoolean();
  }
}
