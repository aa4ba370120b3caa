import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { Client } from '../wrappers/Client';
import { ExitCode, Op, State } from '../wrappers/ops';
import { header, signClose, signTokens } from '../wrappers/signed';
import {
  addStake,
  assertOk,
  assertSolvent,
  codes,
  coinsOf,
  createNetwork,
  exitCode,
  holdAfter,
  machineKey,
  Network,
  nowhere,
  otherKey,
  payWorker,
  receivedBy,
  sentTo,
  signedBy,
  START,
  topUp,
} from './network';

const close = (network: Network, op: number, key = machineKey) =>
  signClose(op, network.proxy.address, signedBy(key, network));

const closeRequest = (network: Network) => close(network, Op.proxyCloseRequestSigned);
const closeComplete = (network: Network) => close(network, Op.proxyCloseCompleteSigned);

const clientRequest = (owner: Address, payload: Cell | null) =>
  header(Op.clientProxyRequest, 1n).storeAddress(owner).storeRef(Cell.EMPTY).storeMaybeRef(payload).endCell();

const workerRequest = (owner: Address, payload: Cell | null) =>
  header(Op.workerProxyRequest, 1n)
    .storeAddress(owner)
    .storeUint(0, 2)
    .storeUint(5, 64)
    .storeMaybeRef(payload)
    .endCell();

describe('proxy', () => {
  test('shows its owner, its key and the terms', async () => {
    const { proxy, proxyOwner, params } = await createNetwork();
    const data = await proxy.getData();
    assert.ok(data.owner.equals(proxyOwner.address));
    assert.equal(data.publicKey, BigInt(`0x${machineKey.publicKey.toString('hex')}`));
    assert.deepEqual([data.state, data.balance, data.stake, data.unlockTs], [State.normal, 0n, 0n, 0]);
    assert.deepEqual(
      [data.pricePerToken, data.workerFeePerToken, data.minProxyStake, data.minClientStake, data.paramsVersion],
      [params.pricePerToken, params.workerFeePerToken, params.minProxyStake, params.minClientStake, 7],
    );
  });

  test('pays on the request of the contracts that it derives only', async () => {
    const network = await createNetwork();
    const { proxy, clientOwner, workerOwner, stranger } = network;
    await topUp(network, toNano(20));
    const refund = beginCell()
      .storeUint(Op.clientProxyRefundGranted, 32)
      .storeCoins(toNano(5))
      .storeAddress(stranger.address)
      .endCell();
    const payout = beginCell()
      .storeUint(Op.workerProxyPayout, 32)
      .storeCoins(toNano(5))
      .storeCoins(0)
      .storeAddress(stranger.address)
      .endCell();
    const send = async (sender: typeof stranger, body: Cell) =>
      exitCode(await proxy.sendBody(sender.getSender(), toNano('0.5'), body), proxy.address);
    for (const sender of [stranger, clientOwner, workerOwner]) {
      assert.equal(await send(sender, clientRequest(clientOwner.address, refund)), ExitCode.senderNotDerived);
      assert.equal(await send(sender, workerRequest(workerOwner.address, payout)), ExitCode.senderNotDerived);
    }
  });

  test('a notice that pays for gas has to come from a contract of ours', async () => {
    const { proxy, clientOwner, workerOwner, stranger } = await createNetwork();
    for (const body of [clientRequest(clientOwner.address, null), workerRequest(workerOwner.address, null)]) {
      const result = await proxy.sendBody(stranger.getSender(), toNano('0.5'), body);
      assert.equal(exitCode(result, proxy.address), ExitCode.senderNotDerived);
      assert.ok(receivedBy(result, stranger.address) > toNano('0.49'));
    }
  });

  test('what is signed for closing counts for one contract, with its own opcode', async () => {
    const network = await createNetwork();
    const other = await createNetwork({ paramsVersion: 8 });
    const { chain, proxy, stranger, params } = network;
    const send = async (body: Cell) =>
      exitCode(await proxy.sendBody(stranger.getSender(), toNano(1), body), proxy.address);
    assert.equal(await send(closeRequest(other)), ExitCode.signedForAnother);
    const asComplete = closeRequest(network).beginParse().skip(32);
    const relabelled = beginCell().storeUint(Op.proxyCloseCompleteSigned, 32).storeSlice(asComplete).endCell();
    assert.equal(await send(closeRequest(network)), 0);
    chain.now = START + params.proxyDelayBeforeClose;
    assert.equal(await send(relabelled), ExitCode.signedHeaderMismatch);
    assert.equal((await proxy.getData()).state, State.closing);
  });

  test('closing cannot be completed before the delay has passed', async () => {
    const network = await createNetwork();
    const { chain, proxy, stranger, params } = network;
    await topUp(network, toNano(20));
    const send = async (body: Cell) =>
      exitCode(await proxy.sendBody(stranger.getSender(), toNano(1), body), proxy.address);
    assert.equal(await send(closeRequest(network)), 0);
    const unlockTs = START + params.proxyDelayBeforeClose;
    assert.deepEqual([(await proxy.getData()).state, (await proxy.getData()).unlockTs], [State.closing, unlockTs]);
    for (const now of [START, unlockTs - 1]) {
      chain.now = now;
      assert.equal(await send(closeComplete(network)), ExitCode.stillLocked);
    }
    chain.now = unlockTs;
    assert.equal(await send(closeComplete(network)), 0);
    assert.equal((await proxy.getData()).state, State.closed);
    await assertSolvent(network);
  });

  test('a proxy that leaves takes its stake after every client could force a refund', async () => {
    const network = await createNetwork();
    const { chain, proxy, client, clientOwner, stranger, excesses, params } = network;
    await topUp(network, toNano(10));
    await payWorker(network, 450_000_000n);
    await addStake(network, toNano(15));
    await proxy.sendBody(stranger.getSender(), toNano(1), closeRequest(network));
    const call = { value: toNano('0.7'), sendExcessesTo: excesses };
    await client.sendRequestRefund(clientOwner.getSender(), call);
    chain.now = START + params.clientDelayBeforeClose + 1;
    const early = await proxy.sendBody(stranger.getSender(), toNano(1), closeComplete(network));
    assert.equal(exitCode(early, proxy.address), ExitCode.stillLocked);
    const refund = await client.sendRequestRefund(clientOwner.getSender(), call);
    assert.equal(sentTo(refund, proxy.address, clientOwner.address)[0].value, toNano(10));
    assert.equal((await proxy.getData()).stake, toNano(6));
  });

  test('the owner withdraws commission with a comment', async () => {
    const network = await createNetwork();
    const { proxy, proxyOwner, stranger } = network;
    await topUp(network, toNano(20));
    await payWorker(network, 100_000_000n);
    const refused = await proxy.sendText(stranger.getSender(), toNano('0.2'), 'w');
    assert.equal(exitCode(refused, proxy.address), ExitCode.senderNotOwner);
    const result = await proxy.sendText(proxyOwner.getSender(), toNano('0.2'), 'w');
    assertOk(result, proxy.address);
    const [payout] = sentTo(result, proxy.address, proxyOwner.address);
    assert.ok(payout.op === Op.payout && payout.value > toNano('0.29'), 'commission and the rest of the value');
    assert.equal((await proxy.getData()).balance, 0n);
    await assertSolvent(network);
  });

  test('an excess address that does not exist costs nobody a payout', async () => {
    const network = await createNetwork();
    const { proxy, proxyOwner, workerOwner, worker, stranger } = network;
    await topUp(network, toNano(20));
    const options = { ...signedBy(machineKey, network), sendExcessesTo: nowhere };
    const payout = signTokens(Op.workerPayoutSigned, worker.address, 100_000_000n, options);
    const paid = await worker.sendBody(stranger.getSender(), toNano('0.7'), payout);
    assert.equal(sentTo(paid, proxy.address, workerOwner.address)[0].value, toNano('1.9'));
    const call = { value: toNano('0.2'), sendExcessesTo: nowhere };
    const commission = await proxy.sendPayoutRequest(stranger.getSender(), call);
    assert.equal(sentTo(commission, proxy.address, proxyOwner.address)[0].value, toNano('0.1'));
    await assertSolvent(network);
  });

  test('on a production network money comes in only while the stake is in', async () => {
    const network = await createNetwork({ isTest: false });
    const { client, proxy, clientOwner, stranger, params } = network;
    const check = async (accepted: boolean) => {
      const before = await client.getData();
      const result = await topUp(network, toNano(2));
      assertOk(result, client.address, proxy.address);
      const back = sentTo(result, proxy.address, clientOwner.address).map(({ op, value }) => [op, value]);
      assert.deepEqual(back, accepted ? [] : [[Op.payout, toNano(2)]]);
      assert.equal((await client.getData()).balance, before.balance + (accepted ? toNano(2) : 0n));
      assert.equal(await proxy.getDeposits(), (await client.getData()).balance);
      await assertSolvent(network);
    };
    await check(false);
    await addStake(network, params.minProxyStake - 1n);
    await check(false);
    await addStake(network, 1n);
    await check(true);
    await proxy.sendBody(stranger.getSender(), toNano(1), closeRequest(network));
    await check(false);
  });

  test('a returned top-up gives back what is left of it', async () => {
    const network = await createNetwork({ isTest: false });
    const { chain, client, proxy, clientOwner, stranger, excesses } = network;
    const body = header(Op.clientTopUp, 1n).storeCoins(toNano(2)).storeAddress(excesses).endCell();
    const message = { from: stranger.address, to: client.address, value: toNano('2.7'), body };
    const finish = await holdAfter(chain, 2, message);
    const charge = signTokens(Op.clientChargeSigned, client.address, 25_000_000n, signedBy(machineKey, network));
    await client.sendBody(stranger.getSender(), toNano('0.7'), charge);
    const before = await coinsOf(network, clientOwner.address);
    await finish();
    assert.ok((await coinsOf(network, clientOwner.address)) - before > toNano('1.499'));
    assert.deepEqual([(await client.getData()).balance, await proxy.getDeposits()], [0n, toNano('0.5')]);
    await assertSolvent(network);
  });

  test('rent that has eaten into the deposits is paid by the messages that follow', async () => {
    const network = await createNetwork();
    const { chain, client, proxy, clientOwner, excesses } = network;
    await topUp(network, toNano(20));
    chain.now = START + 30 * 365 * 86_400;
    const call = { value: toNano('0.7'), sendExcessesTo: excesses };
    const result = await client.sendWithdraw(clientOwner.getSender(), call);
    assert.equal(sentTo(result, proxy.address, clientOwner.address)[0].value, toNano(5));
    const deficit = async () => (await proxy.getDeposits()) - (await coinsOf(network, proxy.address));
    const first = await deficit();
    assert.ok(first > toNano('0.2'), 'one message cannot pay it all');
    await client.sendRequestRefund(clientOwner.getSender(), { ...call, value: toNano('0.2') });
    chain.now += 43_201;
    const refund = await client.sendRequestRefund(clientOwner.getSender(), { ...call, value: toNano('1.7') });
    assert.equal(sentTo(refund, proxy.address, clientOwner.address)[0].value, toNano(15));
    await assertSolvent(network);
  });

  test('the stake vouches for workers, not for the commission', async () => {
    const network = await createNetwork();
    const { proxy, workerOwner } = network;
    await addStake(network, toNano(15));
    const result = await payWorker(network, 100_000_000n);
    assert.equal(sentTo(result, proxy.address, workerOwner.address)[0].value, toNano('1.9'));
    const { balance, stake } = await proxy.getData();
    assert.deepEqual([balance, stake], [0n, toNano('13.1')]);
    await assertSolvent(network);
  });

  test('contracts in another workchain are nobody', async () => {
    const network = await createNetwork();
    const { chain, proxy, clientOwner, params, excesses } = network;
    await topUp(network, toNano(20));
    const config = { owner: clientOwner.address, proxy: proxy.address, proxyPublicKey: machineKey.publicKey, params };
    const double = chain.openContract(Client.createFromConfig(config, codes.client, -1));
    await double.sendDeploy(clientOwner.getSender(), toNano('0.8'));
    const call = { value: toNano('5.7'), amount: toNano(5), sendExcessesTo: excesses };
    const result = await double.sendTopUp(clientOwner.getSender(), call);
    assert.equal(exitCode(result, proxy.address), ExitCode.senderNotDerived);
    assert.equal((await double.getData()).balance, 0n);
    assert.equal(await proxy.getDeposits(), toNano(20));
  });

  test('anyone may have the commission paid to the owner', async () => {
    const network = await createNetwork();
    const { proxy, proxyOwner, stranger, excesses } = network;
    await topUp(network, toNano(20));
    await payWorker(network, 100_000_000n);
    assert.equal((await proxy.getData()).balance, toNano('0.1'));
    const call = { value: toNano('0.2'), sendExcessesTo: excesses };
    const result = await proxy.sendPayoutRequest(stranger.getSender(), call);
    assertOk(result, proxy.address);
    assert.equal(sentTo(result, proxy.address, proxyOwner.address)[0].value, toNano('0.1'));
    assert.equal((await proxy.getData()).balance, 0n);
    const poor = await proxy.sendPayoutRequest(stranger.getSender(), { ...call, value: toNano('0.1') - 1n });
    assert.equal(exitCode(poor, proxy.address), ExitCode.valueTooLow);
  });

  test('closing takes the machine key, and leaves the deposits of clients', async () => {
    const network = await createNetwork();
    const { chain, proxy, proxyOwner, stranger, excesses, params } = network;
    await topUp(network, toNano(20));
    await payWorker(network, 100_000_000n);
    const stake = { value: toNano(3), amount: toNano(2), sendExcessesTo: excesses };
    assertOk(await proxy.sendIncreaseStake(proxyOwner.getSender(), stake), proxy.address);
    assert.equal((await proxy.getData()).stake, toNano(2));

    const send = async (body: Cell) => proxy.sendBody(stranger.getSender(), toNano(1), body);
    assert.equal(exitCode(await send(closeComplete(network)), proxy.address), ExitCode.wrongState);
    const forged = close(network, Op.proxyCloseRequestSigned, otherKey);
    assert.equal(exitCode(await send(forged), proxy.address), ExitCode.badSignature);
    assertOk(await send(closeRequest(network)), proxy.address);
    assert.equal((await proxy.getData()).state, State.closing);

    chain.now = START + params.proxyDelayBeforeClose;
    assertOk(await topUp(network, toNano(1)), proxy.address);
    const before = (await chain.getContract(proxy.address)).balance;
    const result = await send(closeComplete(network));
    assertOk(result, proxy.address);
    assert.equal(sentTo(result, proxy.address, proxyOwner.address)[0].value, toNano('2.1'));
    assert.equal((await chain.getContract(proxy.address)).balance, before - toNano('2.1'));
    const { state, balance, stake: left } = await proxy.getData();
    assert.deepEqual([state, balance, left], [State.closed, 0n, 0n]);
    assert.equal(await proxy.getDeposits(), toNano(19));
    for (const body of [closeRequest(network), closeComplete(network)])
      assert.equal(exitCode(await send(body), proxy.address), ExitCode.wrongState);
    const late = await proxy.sendIncreaseStake(proxyOwner.getSender(), stake);
    assert.equal(exitCode(late, proxy.address), ExitCode.wrongState);
  });

  test('the owner starts closing with a message or a comment; nobody else', async () => {
    for (const word of ['message', 'comment']) {
      const { proxy, proxyOwner, stranger, excesses } = await createNetwork();
      const call = { value: toNano(1), sendExcessesTo: excesses };
      const send = (sender: typeof stranger) =>
        word === 'message'
          ? proxy.sendClose(sender.getSender(), call)
          : proxy.sendText(sender.getSender(), toNano(1), 'c');
      assert.equal(exitCode(await send(stranger), proxy.address), ExitCode.senderNotOwner);
      assertOk(await send(proxyOwner), proxy.address);
      assert.equal((await proxy.getData()).state, State.closing);
      assert.equal(exitCode(await send(proxyOwner), proxy.address), ExitCode.wrongState);
    }
  });

  test('unknown words are refused', async () => {
    const { proxy, proxyOwner } = await createNetwork();
    const text = await proxy.sendText(proxyOwner.getSender(), toNano('0.2'), 'x');
    assert.equal(exitCode(text, proxy.address), ExitCode.unknownTextCommand);
    const op = await proxy.sendBody(proxyOwner.getSender(), toNano('0.2'), header(0x12345678, 1n).endCell());
    assert.equal(exitCode(op, proxy.address), ExitCode.unknownOpcode);
  });

  test('a state commit is accepted from anyone and changes nothing', async () => {
    const { proxy, proxyOwner } = await createNetwork();
    const body = header(Op.doNotProcess, 1n).storeUint(Op.proxySaveState, 32).storeInt(7, 32).storeUint(9n, 256);
    const result = await proxy.sendBody(proxyOwner.getSender(), toNano('0.01'), body.endCell());
    assertOk(result, proxy.address);
  });
});
