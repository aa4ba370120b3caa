import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beginCell, toNano } from '@ton/core';
import { Blockchain } from '@ton/sandbox';
import { ExitCode, Op } from '../wrappers/ops';
import { Image, Root, RootConfig, rootData, signPublicKey } from '../wrappers/Root';
import { header } from '../wrappers/signed';
import { assertOk, codes, defaultParams, exitCode, loadCode, machineKey, otherKey, sentTo, START } from './network';

const keyManagerKey = machineKey;

async function createRoot() {
  const chain = await Blockchain.create();
  chain.now = START;
  const [owner, stranger] = await Promise.all(['owner', 'stranger'].map((name) => chain.treasury(name)));
  const config: RootConfig = {
    owner: owner.address,
    version: 10,
    params: defaultParams,
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
    await root.sendChangeParams(owner.getSender(), { ...defaultParams, proxyDelayBeforeClose: 600 });
    assert.equal((await root.getParams()).proxyDelayBeforeClose, 600);
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

  test('data and code can be replaced, whatever the generation of the data', async () => {
    const { root, owner, stranger, config } = await createRoot();
    const old = rootData({ ...config, version: 50, params: { ...defaultParams, structVersion: 3 } }).beginParse();
    const withoutKeyManager = beginCell().storeBits(old.loadBits(old.remainingBits));
    for (let refs = 0; refs < 2; refs++) withoutKeyManager.storeRef(old.loadRef());
    await root.sendUpgradeFull(owner.getSender(), withoutKeyManager.endCell(), loadCode('root'));
    const unreadable = await root.sendAddHash(owner.getSender(), 'worker', 1n);
    assert.equal(exitCode(unreadable, root.address), ExitCode.bodyShape);
    const refused = await root.sendUpgradeFull(stranger.getSender(), rootData(config), loadCode('root'));
    assert.equal(exitCode(refused, root.address), ExitCode.senderNotOwner);
    assertOk(
      await root.sendUpgradeFull(owner.getSender(), rootData({ ...config, version: 51 }), loadCode('root')),
      root.address,
    );
    assert.equal((await root.getData()).version, 51);
    assertOk(await root.sendUpgradeCode(owner.getSender(), loadCode('wallet')), root.address);
  });

  test('a new owner takes over', async () => {
    const { root, owner, stranger } = await createRoot();
    assertOk(await root.sendChangeOwner(owner.getSender(), stranger.address), root.address);
    assert.equal(exitCode(await root.sendReset(owner.getSender()), root.address), ExitCode.senderNotOwner);
    assertOk(await root.sendReset(stranger.getSender()), root.address);
  });
});
