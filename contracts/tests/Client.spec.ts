import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beginCell, toNano } from '@ton/core';
import { ExitCode, Op, State } from '../wrappers/ops';
import { signTokens } from '../wrappers/signed';
import {
  assertOk,
  cost,
  createNetwork,
  exitCode,
  machineKey,
  Network,
  otherKey,
  sentTo,
  signedBy,
  START,
  topUp,
  transactionOn,
} from './network';

const charge = (network: Network, tokens: bigint, key = machineKey) =>
  signTokens(Op.clientChargeSigned, network.client.address, tokens, signedBy(key, network));

const grantRefund = (network: Network, tokens: bigint) =>
  signTokens(Op.clientGrantRefundSigned, network.client.address, tokens, signedBy(machineKey, network));

describe('client', () => {
  test('is empty after deployment and knows its parties', async () => {
    const { client, clientOwner, proxy, params } = await createNetwork();
    assert.deepEqual(
      { ...(await client.getData()), owner: undefined, proxy: undefined },
      {
        owner: undefined,
        proxy: undefined,
        proxyPublicKey: BigInt(`0x${machineKey.publicKey.toString('hex')}`),
        state: State.normal,
        balance: 0n,
        stake: params.minClientStake,
        tokensUsed: 0n,
        unlockTs: 0,
        secretHash: 0n,
      },
    );
    assert.ok((await client.getData()).owner.equals(clientOwner.address));
    assert.ok((await client.getData()).proxy.equals(proxy.address));
  });

  test('a top-up moves the coins to the proxy contract and returns the rest', async () => {
    const network = await createNetwork();
    const { chain, client, proxy, excesses } = network;
    const before = (await chain.getContract(proxy.address)).balance;
    const result = await topUp(network, toNano(20));
    assertOk(result, client.address, proxy.address);
    assert.equal((await client.getData()).balance, toNano(20));
    assert.equal((await chain.getContract(proxy.address)).balance - before, toNano(20));
    const [rest] = sentTo(result, proxy.address, excesses);
    assert.deepEqual([rest.op, rest.bounce], [Op.excesses, false]);
    assert.ok(cost(toNano('20.7'), toNano(20), result, network) < toNano('0.0102'));
  });

  test('a top-up has to bring the amount and 0.1 TON', async () => {
    const { client, stranger, excesses } = await createNetwork();
    const call = { amount: toNano(1), sendExcessesTo: excesses };
    const short = await client.sendTopUp(stranger.getSender(), { ...call, value: toNano('1.1') - 1n });
    assert.equal(exitCode(short, client.address), ExitCode.valueTooLow);
    assert.equal((await client.getData()).balance, 0n);
    assertOk(await client.sendTopUp(stranger.getSender(), { ...call, value: toNano('1.1') }), client.address);
    assert.equal((await client.getData()).balance, toNano(1));
  });

  test('a charge counts the difference, and only newer counters count', async () => {
    const network = await createNetwork();
    const { client, stranger } = network;
    await topUp(network, toNano(20));
    const body = charge(network, 100_000_000n);
    const result = await client.sendBody(stranger.getSender(), toNano('0.7'), body);
    assertOk(result, client.address);
    assert.ok(cost(toNano('0.7'), 1n, result, network) < toNano('0.0076'));
    assert.equal((await client.getData()).balance, toNano(18));
    const again = await client.sendBody(stranger.getSender(), toNano('0.7'), body);
    assert.equal(exitCode(again, client.address), ExitCode.oldMessage);
    assertOk(await client.sendBody(stranger.getSender(), toNano('0.7'), charge(network, 150_000_000n)), client.address);
    const { balance, tokensUsed } = await client.getData();
    assert.deepEqual([balance, tokensUsed], [toNano(17), 150_000_000n]);
  });

  test('a charge needs the signature of the machine key, for this contract, over this header', async () => {
    const network = await createNetwork();
    const { client, worker, stranger } = network;
    await topUp(network, toNano(20));
    const send = async (body: ReturnType<typeof charge>) =>
      exitCode(await client.sendBody(stranger.getSender(), toNano('0.7'), body), client.address);
    assert.equal(await send(charge(network, 1000n, otherKey)), ExitCode.badSignature);
    assert.equal(
      await send(signTokens(Op.clientChargeSigned, worker.address, 1000n, signedBy(machineKey, network))),
      ExitCode.signedForAnother,
    );
    const slice = charge(network, 1000n).beginParse();
    const otherQuery = beginCell().storeUint(slice.loadUint(32), 32).storeUint(2, 64).storeSlice(slice.skip(64));
    assert.equal(await send(otherQuery.endCell()), ExitCode.signedHeaderMismatch);
    const trailing = beginCell().storeSlice(charge(network, 1000n).beginParse()).storeBit(1).endCell();
    assert.equal(await send(trailing), ExitCode.bodyShape);
    assert.equal((await client.getData()).tokensUsed, 0n);
  });

  test('a notice of one nanoTON tells the proxy node and buys no gas', async () => {
    const network = await createNetwork();
    const { client, proxy, clientOwner, excesses } = network;
    const result = await client.sendRegister(clientOwner.getSender(), {
      value: toNano(1),
      nonce: 77n,
      sendExcessesTo: excesses,
    });
    assertOk(result, client.address);
    assert.equal(exitCode(result, proxy.address), 'no-gas');
    const [notice] = sentTo(result, client.address, proxy.address);
    assert.deepEqual([notice.op, notice.value, notice.bounce], [Op.clientProxyRequest, 1n, true]);
    const body = notice.body.beginParse().skip(96);
    assert.ok(body.loadAddress().equals(clientOwner.address));
    body.loadRef();
    const payload = body.loadRef().beginParse();
    assert.deepEqual([payload.loadUint(32), payload.loadUintBig(64)], [Op.clientProxyRegister, 77n]);
  });

  // Requests are written inline too, but their header leaves no room once the TVM has filled it in.
  test('the body of an excess message is inline', async () => {
    const network = await createNetwork();
    const { proxy, excesses } = network;
    const result = await topUp(network, toNano(1));
    // Transaction: one reference to the messages, there the dictionary of outgoing ones, there the only message.
    const message = transactionOn(result, proxy.address).raw.refs[0].refs[1].refs[0];
    const [{ body }] = sentTo(result, proxy.address, excesses);
    const tail = message.bits.substring(message.bits.length - body.bits.length, body.bits.length);
    assert.ok(message.refs.length === 0 && tail.equals(body.bits));
  });

  test('the owner withdraws what lies above the stake, at once', async () => {
    const network = await createNetwork();
    const { client, proxy, clientOwner, stranger, excesses } = network;
    await topUp(network, toNano(20));
    const call = { value: toNano('0.7'), sendExcessesTo: excesses };
    const refused = await client.sendWithdraw(stranger.getSender(), call);
    assert.equal(exitCode(refused, client.address), ExitCode.ownerExpected);
    const result = await client.sendWithdraw(clientOwner.getSender(), call);
    assertOk(result, client.address, proxy.address);
    const [payout] = sentTo(result, proxy.address, clientOwner.address);
    assert.deepEqual([payout.op, payout.value, payout.bounce], [Op.payout, toNano(5), false]);
    assert.equal((await client.getData()).balance, toNano(15));
    const nothing = await client.sendWithdraw(clientOwner.getSender(), call);
    assert.equal(exitCode(nothing, client.address), ExitCode.ownBalanceTooLow);
  });

  test('a granted refund charges the rest, pays everything back and closes', async () => {
    const network = await createNetwork();
    const { client, proxy, clientOwner, stranger } = network;
    await topUp(network, toNano(10));
    const body = grantRefund(network, 50_000_000n);
    const poor = await client.sendBody(stranger.getSender(), toNano('0.1') - 1n, body);
    assert.equal(exitCode(poor, client.address), ExitCode.valueTooLow);
    const result = await client.sendBody(stranger.getSender(), toNano('0.7'), body);
    assertOk(result, client.address, proxy.address);
    assert.equal(sentTo(result, proxy.address, clientOwner.address)[0].value, toNano(9));
    const { state, balance, tokensUsed } = await client.getData();
    assert.deepEqual([state, balance, tokensUsed], [State.closed, 0n, 50_000_000n]);
    const again = await client.sendBody(stranger.getSender(), toNano('0.7'), body);
    assert.equal(exitCode(again, client.address), ExitCode.wrongState);
  });

  test('without the proxy the owner is refunded after the delay, out of the stake of the proxy', async () => {
    const network = await createNetwork();
    const { chain, client, proxy, clientOwner, proxyOwner, excesses, params } = network;
    await proxy.sendIncreaseStake(proxyOwner.getSender(), {
      value: toNano(5),
      amount: toNano(4),
      sendExcessesTo: excesses,
    });
    await topUp(network, toNano(10));
    const call = { value: toNano('0.7'), sendExcessesTo: excesses };
    assertOk(await client.sendRequestRefund(clientOwner.getSender(), call), client.address);
    const unlockTs = START + params.clientDelayBeforeClose;
    assert.equal((await client.getData()).unlockTs, unlockTs);
    chain.now = unlockTs;
    const early = await client.sendRequestRefund(clientOwner.getSender(), call);
    assert.equal(exitCode(early, client.address), ExitCode.stillLocked);
    chain.now = unlockTs + 1;
    const result = await client.sendRequestRefund(clientOwner.getSender(), call);
    assertOk(result, client.address, proxy.address);
    assert.equal(sentTo(result, proxy.address, clientOwner.address)[0].value, toNano(4));
    assert.equal((await proxy.getData()).stake, 0n);
    assert.equal((await client.getData()).state, State.closed);
  });

  test('params of another generation are refused where they are needed', async () => {
    const network = await createNetwork({ structVersion: 3 });
    const { client, stranger } = network;
    const result = await client.sendBody(stranger.getSender(), toNano('0.7'), charge(network, 1n));
    assert.equal(exitCode(result, client.address), ExitCode.paramsStructVersion);
  });

  test('random bodies change nothing', async () => {
    const network = await createNetwork();
    const { client, stranger } = network;
    await topUp(network, toNano(1));
    const before = await client.getData();
    const ops = Object.values(Op);
    let state = 1;
    const next = (limit: number) => (state = (state * 48271) % 2147483647) % limit;
    for (let i = 0; i < 200; i++) {
      const body = beginCell().storeUint(ops[next(ops.length)], 32);
      for (let bits = next(700); bits > 0; bits--) body.storeBit(next(2));
      for (let refs = next(3); refs > 0; refs--) body.storeRef(beginCell().storeUint(next(256), 8).endCell());
      await client.sendBody(stranger.getSender(), toNano('0.5'), body.endCell());
    }
    assert.deepEqual(String(Object.values(await client.getData())), String(Object.values(before)));
  });
});
