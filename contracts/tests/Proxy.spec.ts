import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { ExitCode, Op, State } from '../wrappers/ops';
import { header, signClose, signTokens } from '../wrappers/signed';
import { assertOk, createNetwork, exitCode, machineKey, Network, otherKey, sentTo, signedBy, topUp } from './network';

const close = (network: Network, op: number, key = machineKey) =>
  signClose(op, network.proxy.address, signedBy(key, network));

const closeRequest = (network: Network) => close(network, Op.proxyCloseRequestSigned);
const closeComplete = (network: Network) => close(network, Op.proxyCloseCompleteSigned);

async function earnCommission(network: Network, tokens: bigint) {
  const { worker, stranger } = network;
  const body = signTokens(Op.workerPayoutSigned, worker.address, tokens, signedBy(machineKey, network));
  await worker.sendBody(stranger.getSender(), toNano('0.7'), body);
}

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
    assert.equal(await send(stranger, clientRequest(clientOwner.address, null)), 0);
    assert.equal(await send(stranger, workerRequest(workerOwner.address, null)), 0);
  });

  test('anyone may have the commission paid to the owner', async () => {
    const network = await createNetwork();
    const { proxy, proxyOwner, stranger, excesses } = network;
    await topUp(network, toNano(20));
    await earnCommission(network, 100_000_000n);
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
    const { chain, proxy, proxyOwner, stranger, excesses } = network;
    await topUp(network, toNano(20));
    await earnCommission(network, 100_000_000n);
    const stake = { value: toNano(3), amount: toNano(2), sendExcessesTo: excesses };
    assertOk(await proxy.sendIncreaseStake(proxyOwner.getSender(), stake), proxy.address);
    assert.equal((await proxy.getData()).stake, toNano(2));

    const send = async (body: Cell) => proxy.sendBody(stranger.getSender(), toNano(1), body);
    assert.equal(exitCode(await send(closeComplete(network)), proxy.address), ExitCode.wrongState);
    const forged = close(network, Op.proxyCloseRequestSigned, otherKey);
    assert.equal(exitCode(await send(forged), proxy.address), ExitCode.badSignature);
    assertOk(await send(closeRequest(network)), proxy.address);
    assert.equal((await proxy.getData()).state, State.closing);

    const before = (await chain.getContract(proxy.address)).balance;
    const result = await send(closeComplete(network));
    assertOk(result, proxy.address);
    assert.equal(sentTo(result, proxy.address, proxyOwner.address)[0].value, toNano('2.1'));
    assert.equal((await chain.getContract(proxy.address)).balance, before - toNano('2.1'));
    const { state, balance, stake: left } = await proxy.getData();
    assert.deepEqual([state, balance, left], [State.closed, 0n, 0n]);
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
