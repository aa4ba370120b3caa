import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cell, toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { ExitCode, Op } from '../wrappers/ops';
import { Params, rootParams } from '../wrappers/params';
import { boundQueryId, Image, Root, RootConfig, rootData, signPublicKey } from '../wrappers/Root';
import { header } from '../wrappers/signed';
import { assertOk, codes, createChain, defaultParams, exitCode, loadCode, machineKey, otherKey, sentTo, START } from './network';

const keyManagerKey = machineKey;

async function createRoot(overrides: Partial<Params> = {}) {
  const chain = await createChain();
  const [owner, stranger] = await Promise.all(['owner', 'stranger'].map((name) => chain.treasury(name)));
  const config: RootConfig = {
    owner: owner.address,
    version: 10,
    params: { ...defaultParams, ...overrides },
    codes,
    proxies: { 2: '127.0.0.1:11001 127.0.0.1:11002' },
    lastProxySeqno: 2,
    keyManager: {
      publicKey: BigInt(`0x${keyManagerKey.publicKey.toString('hex')}`),
      imageHash: 5n,
      address: '127.0.0.1:13001',
    },
  };
  const root = chain.openContract(Root.createFromConfig(config, loadCode('root')));
  await root.sendDeploy(owner.getSender(), toNano('0.1'));
  return { chain, owner, stranger, root, config };
}

describe('root', () => {
  test('shows what it was made with', async () => {
    const { root, owner } = await createRoot();
    const data = await root.getData();
    assert.deepEqual([data.version, data.lastProxySeqno, data.paramsVersion, data.isTest], [10, 2, 7, 1]);
    assert.ok(data.owner.equals(owner.address));
    const params = await root.getParams();
    assert.equal(params.clientCodeHash, BigInt(`0x${codes.client.hash().toString('hex')}`));
    assert.deepEqual([params.cachedMultiplier, params.reasoningMultiplier], [1_000, 80_000]);
  });

  test('the owner accepts and removes images and models; each change is a version', async () => {
    const { root, owner, stranger } = await createRoot();
    for (const image of ['worker', 'model', 'proxy'] satisfies Image[]) {
      const refused = await root.sendAddHash(stranger.getSender(), image, 1n);
      assert.equal(exitCode(refused, root.address), ExitCode.senderNotOwner);
      const { version } = await root.getData();
      const result = await root.sendAddHash(owner.getSender(), image, 1n);
      assertOk(result, root.address);
      assert.equal(sentTo(result, root.address, owner.address)[0].op, Op.excesses);
      assert.equal(await root.getHashIsValid(image, 1n), true);
      assert.equal(await root.getHashIsValid(image, 2n), false);
      assertOk(await root.sendDeleteHash(owner.getSender(), image, 1n), root.address);
      assert.equal(await root.getHashIsValid(image, 1n), false);
      assert.equal((await root.getData()).version, version + 2);
    }
  });

  test('proxies are numbered as they come', async () => {
    const { root, owner } = await createRoot();
    assertOk(await root.sendRegisterProxy(owner.getSender(), '10.0.0.1:1 10.0.0.1:2'), root.address);
    assert.equal(await root.getLastProxySeqno(), 3);
    assertOk(await root.sendUpdateProxy(owner.getSender(), 3, '10.0.0.2:1'), root.address);
    assertOk(await root.sendUnregisterProxy(owner.getSender(), 3), root.address);
    const missing = await root.sendUpdateProxy(owner.getSender(), 3, '10.0.0.2:1');
    assert.equal(exitCode(missing, root.address), ExitCode.noSuchProxy);
    assert.equal(await root.getLastProxySeqno(), 3);
  });

  test('malformed network addresses are refused', async () => {
    const { root, owner } = await createRoot();
    const send = async (type: number, length: number, text: string) => {
      const body = header(Op.rootRegisterProxy, 1n).storeUint(type, 1).storeUint(length, 7).storeStringTail(text);
      return exitCode(await root.sendBody(owner.getSender(), toNano('0.1'), body.endCell()), root.address);
    };
    assert.equal(await send(1, 1, 'x'), ExitCode.malformedNetAddress);
    assert.equal(await send(0, 2, 'x'), ExitCode.bodyShape);
    assert.equal(await send(0, 0, 'x'), ExitCode.bodyShape);
    assert.equal(await send(0, 1, 'x'), 0);
  });

  test('new terms and new codes raise the params version, hashes do not', async () => {
    const { root, owner } = await createRoot();
    await root.sendChangePrice(owner.getSender(), 30n, 28n);
    let data = await root.getData();
    assert.deepEqual([data.pricePerToken, data.workerFeePerToken, data.paramsVersion, data.version], [30n, 28n, 8, 11]);
    await root.sendChangeParams(owner.getSender(), { ...defaultParams, proxyDelayBeforeClose: 50_000 });
    assert.equal((await root.getParams()).proxyDelayBeforeClose, 50_000);
    await root.sendUpgradeContracts(owner.getSender(), {
      proxy: codes.client,
      worker: codes.proxy,
      client: codes.worker,
    });
    const params = await root.getParams();
    assert.equal(params.proxyCodeHash, BigInt(`0x${codes.client.hash().toString('hex')}`));
    assert.deepEqual([params.paramsVersion, params.cachedMultiplier], [10, 1_000]);
    await root.sendAddHash(owner.getSender(), 'model', 1n);
    data = await root.getData();
    assert.deepEqual([data.paramsVersion, data.version], [10, 14]);
  });

  test('the key manager registers keys through anyone; expired keys leave', async () => {
    const { chain, root, owner, stranger } = await createRoot();
    const options = { queryId: 3n, sendExcessesTo: owner.address, secretKey: keyManagerKey.secretKey };
    const first = signPublicKey({ publicKey: 1n, keyType: 1, expireAt: START + 100 }, options);
    assertOk(await root.sendBody(stranger.getSender(), toNano('0.4'), first), root.address);
    assert.equal(await root.getPublicKeyIsValid(1n), true);
    const forged = signPublicKey(
      { publicKey: 2n, keyType: 1, expireAt: START + 100 },
      { ...options, secretKey: otherKey.secretKey },
    );
    const refused = await root.sendBody(stranger.getSender(), toNano('0.4'), forged);
    assert.equal(exitCode(refused, root.address), ExitCode.badSignature);
    chain.now = START + 101;
    const expired = await root.sendBody(stranger.getSender(), toNano('0.4'), first);
    assert.equal(exitCode(expired, root.address), ExitCode.oldMessage);
    const next = { publicKey: 3n, keyType: 1, expireAt: START + 1000 };
    assertOk(await root.sendAddPublicKey(owner.getSender(), next), root.address);
    assert.deepEqual([await root.getPublicKeyIsValid(1n), await root.getPublicKeyIsValid(3n)], [false, true]);
  });

  test('a new key manager keeps the keys', async () => {
    const { root, owner, stranger } = await createRoot();
    await root.sendAddPublicKey(owner.getSender(), { publicKey: 1n, keyType: 1, expireAt: START + 100 });
    const publicKey = BigInt(`0x${otherKey.publicKey.toString('hex')}`);
    const manager = { publicKey, imageHash: 6n, address: '10.0.0.9:13001' };
    assertOk(await root.sendChangeKeyManager(owner.getSender(), manager), root.address);
    assert.equal(await root.getPublicKeyIsValid(1n), true);
    const body = signPublicKey(
      { publicKey: 2n, keyType: 1, expireAt: START + 100 },
      { queryId: 3n, sendExcessesTo: owner.address, secretKey: otherKey.secretKey },
    );
    assertOk(await root.sendBody(stranger.getSender(), toNano('0.4'), body), root.address);
  });

  test('reset empties the lists and nothing else', async () => {
    const { root, owner } = await createRoot();
    await root.sendAddHash(owner.getSender(), 'worker', 1n);
    await root.sendAddPublicKey(owner.getSender(), { publicKey: 1n, keyType: 1, expireAt: START + 100 });
    assertOk(await root.sendReset(owner.getSender()), root.address);
    assert.equal(await root.getHashIsValid('worker', 1n), false);
    assert.deepEqual([await root.getLastProxySeqno(), await root.getPublicKeyIsValid(1n)], [2, true]);
  });

  test('a signed key counts once, and an older one for it does not shorten it', async () => {
    const { root, owner, stranger } = await createRoot();
    const options = { queryId: 3n, sendExcessesTo: stranger.address, secretKey: keyManagerKey.secretKey };
    const send = async (expireAt: number, keyType = 1) => {
      const body = signPublicKey({ publicKey: 1n, keyType, expireAt }, options);
      const result = await root.sendBody(stranger.getSender(), toNano('0.4'), body);
      assertOk(result, root.address);
      assert.ok(sentTo(result, root.address, stranger.address)[0].value > toNano('0.38'), 'the value comes back');
      return (await root.getData()).version;
    };
    assert.equal(await send(START + 100), 11);
    assert.equal(await send(START + 100), 11);
    assert.equal(await send(START + 200), 12);
    assert.equal(await send(START + 100), 12);
    assert.equal(await send(START + 200), 12);
    const same = { publicKey: 1n, keyType: 1, expireAt: START + 200 };
    await root.sendAddPublicKey(owner.getSender(), same);
    assert.equal((await root.getData()).version, 12);
    await root.sendAddPublicKey(owner.getSender(), { ...same, expireAt: START + 50 });
    assert.equal((await root.getData()).version, 13);
  });

  test('on a production network a signed key names its root', async () => {
    const { root, stranger } = await createRoot({ isTest: false });
    const key = { publicKey: 1n, keyType: 1, expireAt: START + 100 };
    const send = async (queryId: bigint) => {
      const options = { queryId, sendExcessesTo: stranger.address, secretKey: keyManagerKey.secretKey };
      const result = await root.sendBody(stranger.getSender(), toNano('0.4'), signPublicKey(key, options));
      return exitCode(result, root.address);
    };
    const other = await createRoot({ isTest: false, uniqueId: 240 });
    assert.equal(await send(3n), ExitCode.signedForAnother);
    assert.equal(await send(boundQueryId(other.root.address, key)), ExitCode.signedForAnother);
    assert.equal(await send(boundQueryId(root.address, { ...key, keyType: 2 })), ExitCode.signedForAnother);
    assert.equal(await send(boundQueryId(root.address, key)), 0);
    assert.equal(await root.getPublicKeyIsValid(1n), true);
  });

  test('a fee above the price, and a proxy that leaves before its clients can, are refused', async () => {
    const { root, owner } = await createRoot();
    const refused = async (result: Promise<SendMessageResult>) => exitCode(await result, root.address);
    const change = (changes: Partial<Params>) => ({ ...defaultParams, ...changes });
    assert.equal(await refused(root.sendChangePrice(owner.getSender(), 10n, 11n)), ExitCode.feeAbovePrice);
    for (const send of [root.sendChangeParams, root.sendChangeAllParams]) {
      const fee = change({ pricePerToken: 1n, workerFeePerToken: 2n });
      assert.equal(await refused(send(owner.getSender(), fee)), ExitCode.feeAbovePrice);
      const delays = change({ clientDelayBeforeClose: 600, proxyDelayBeforeClose: 600 });
      assert.equal(await refused(send(owner.getSender(), delays)), ExitCode.delaysOutOfOrder);
    }
    assert.equal((await root.getData()).version, 10);
    assert.equal(await refused(root.sendChangePrice(owner.getSender(), 11n, 11n)), 0);
  });

  test('all terms can be changed, multipliers too', async () => {
    const { root, owner, stranger } = await createRoot();
    const params = {
      ...defaultParams,
      pricePerToken: 31n,
      promptMultiplier: 20_000,
      cachedMultiplier: 2_000,
      completionMultiplier: 70_000,
      reasoningMultiplier: 60_000,
      proxyDelayBeforeClose: 700,
      clientDelayBeforeClose: 350,
      minProxyStake: toNano(3),
      minClientStake: toNano(4),
    };
    const refused = await root.sendChangeAllParams(stranger.getSender(), params);
    assert.equal(exitCode(refused, root.address), ExitCode.senderNotOwner);
    assertOk(await root.sendChangeAllParams(owner.getSender(), params), root.address);
    assert.ok((await root.getParamsCell()).equals(rootParams({ ...params, paramsVersion: 8 }, codes)));
  });

  test('params of all generations are read and written back in their own layout', async () => {
    for (const structVersion of [0, 1, 2, 3, 4, 5]) {
      const { root, owner, stranger } = await createRoot({ structVersion });
      assertOk(await root.sendAddHash(owner.getSender(), 'worker', 1n), root.address);
      assertOk(await root.sendChangePrice(owner.getSender(), 30n, 28n), root.address);
      const expected = { ...defaultParams, structVersion, paramsVersion: 8, pricePerToken: 30n, workerFeePerToken: 28n };
      assert.ok((await root.getParamsCell()).equals(rootParams(expected, codes)));
      assert.equal((await root.getParams()).cachedMultiplier, structVersion >= 2 ? 1_000 : 10_000);
      const key = { publicKey: 1n, keyType: 1, expireAt: START + 100 };
      const added = await root.sendAddPublicKey(owner.getSender(), key);
      assert.equal(exitCode(added, root.address), structVersion >= 4 ? 0 : ExitCode.paramsStructVersion);
      const refused = await root.sendReset(stranger.getSender());
      assert.equal(exitCode(refused, root.address), ExitCode.senderNotOwner);
    }
    const { root, owner } = await createRoot({ structVersion: 6 });
    const unreadable = await root.sendChangePrice(owner.getSender(), 30n, 28n);
    assert.equal(exitCode(unreadable, root.address), ExitCode.paramsStructVersion);
  });

  test('the verified keys of generation 5 stay as they are', async () => {
    const { chain, root, owner } = await createRoot({ structVersion: 5 });
    const refs = async () => {
      const { accountState } = await chain.getContract(root.address);
      assert.ok(accountState?.type === 'active');
      return accountState.state.data!.refs;
    };
    const before = await refs();
    await root.sendAddPublicKey(owner.getSender(), { publicKey: 1n, keyType: 1, expireAt: START + 100 });
    const after = await refs();
    assert.deepEqual([before.length, after.length], [4, 4]);
    assert.ok(after[3].equals(before[3]) && !after[2].equals(before[2]));
  });

  test('fifty keys expire within the gas of one message', async () => {
    const { chain, root, owner } = await createRoot();
    for (let i = 1n; i <= 50n; i++)
      await root.sendAddPublicKey(owner.getSender(), { publicKey: i * 2n ** 200n, keyType: 1, expireAt: START + 100 });
    chain.now = START + 101;
    const options = { queryId: 3n, sendExcessesTo: owner.address, secretKey: keyManagerKey.secretKey };
    const body = signPublicKey({ publicKey: 1n, keyType: 1, expireAt: START + 200 }, options);
    assertOk(await root.sendBody(owner.getSender(), toNano('0.4'), body), root.address);
    assert.deepEqual([await root.getPublicKeyIsValid(2n ** 200n), await root.getPublicKeyIsValid(1n)], [false, true]);
  });

  test('data and code can be replaced, whatever the generation of the data', async () => {
    const { root, owner, stranger, config } = await createRoot();
    const old = rootData({ ...config, version: 50, params: { ...defaultParams, structVersion: 3 } });
    await root.sendUpgradeFull(owner.getSender(), old, loadCode('root'));
    assert.equal((await root.getData()).version, 50);
    const refused = await root.sendUpgradeFull(stranger.getSender(), rootData(config), loadCode('root'));
    assert.equal(exitCode(refused, root.address), ExitCode.senderNotOwner);
    assertOk(
      await root.sendUpgradeFull(owner.getSender(), rootData({ ...config, version: 51 }), loadCode('root')),
      root.address,
    );
    assert.equal((await root.getData()).version, 51);
    assertOk(await root.sendUpgradeCode(owner.getSender(), loadCode('wallet')), root.address);
  });

  test('a stranger can do nothing that is the owner’s', async () => {
    const { chain, root, stranger } = await createRoot();
    const data = async () => {
      const { accountState } = await chain.getContract(root.address);
      assert.ok(accountState?.type === 'active');
      return accountState.state.data!.hash().toString('hex');
    };
    const before = await data();
    for (const [name, op] of Object.entries(Op)) {
      if (!name.startsWith('root') || op === Op.rootAddPublicKeySigned) continue;
      const body = header(op, 1n).storeUint(1n, 256).storeRef(Cell.EMPTY).storeRef(Cell.EMPTY).endCell();
      const result = await root.sendBody(stranger.getSender(), toNano('0.2'), body);
      assert.equal(exitCode(result, root.address), ExitCode.senderNotOwner, name);
    }
    assert.equal(await data(), before);
  });

  test('a new owner takes over', async () => {
    const { root, owner, stranger } = await createRoot();
    assertOk(await root.sendChangeOwner(owner.getSender(), stranger.address), root.address);
    assert.equal(exitCode(await root.sendReset(owner.getSender()), root.address), ExitCode.senderNotOwner);
    assertOk(await root.sendReset(stranger.getSender()), root.address);
  });
});
