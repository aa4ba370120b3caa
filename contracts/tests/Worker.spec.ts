import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toNano } from '@ton/core';
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
  topUp,
  transactionOn,
} from './network';

const payout = (network: Network, tokens: bigint, key = machineKey) =>
  signTokens(Op.workerPayoutSigned, network.worker.address, tokens, signedBy(key, network));

const lastPayout = (network: Network, tokens: bigint) =>
  signTokens(Op.workerLastPayoutSigned, network.worker.address, tokens, signedBy(machineKey, network));

describe('worker', () => {
  test('starts at zero and knows its parties', async () => {
    const { worker, workerOwner, proxy } = await createNetwork();
    const data = await worker.getData();
    assert.ok(data.owner.equals(workerOwner.address) && data.proxy.equals(proxy.address));
    assert.deepEqual([data.state, data.tokens], [State.normal, 0n]);
  });

  test('a payout pays the owner the fee and the proxy its commission', async () => {
    const network = await createNetwork();
    const { worker, proxy, workerOwner, stranger } = network;
    await topUp(network, toNano(20));
    const result = await worker.sendBody(stranger.getSender(), toNano('0.7'), payout(network, 100_000_000n));
    assertOk(result, worker.address, proxy.address);
    const [paid] = sentTo(result, proxy.address, workerOwner.address);
    assert.deepEqual([paid.op, paid.value, paid.bounce], [Op.payout, toNano('1.9'), false]);
    assert.equal((await proxy.getData()).balance, toNano('0.1'));
    assert.equal((await worker.getData()).tokens, 100_000_000n);
    assert.ok(cost(toNano('0.7'), 0n, result, network) < toNano('0.0107'));
  });

  test('only what is newer is paid', async () => {
    const network = await createNetwork();
    const { worker, proxy, workerOwner, stranger } = network;
    await topUp(network, toNano(20));
    const first = payout(network, 1_000_000n);
    assertOk(await worker.sendBody(stranger.getSender(), toNano('0.5'), first), worker.address);
    const again = await worker.sendBody(stranger.getSender(), toNano('0.5'), first);
    assert.equal(exitCode(again, worker.address), ExitCode.oldMessage);
    const second = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 1_500_000n));
    assert.equal(sentTo(second, proxy.address, workerOwner.address)[0].value, 500_000n * 19n);
  });

  test('a payout needs the signature of the machine key and more than 0.1 TON', async () => {
    const network = await createNetwork();
    const { worker, stranger } = network;
    const forged = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 1n, otherKey));
    assert.equal(exitCode(forged, worker.address), ExitCode.badSignature);
    const poor = await worker.sendBody(stranger.getSender(), toNano('0.1'), payout(network, 1n));
    assert.equal(exitCode(poor, worker.address), ExitCode.valueTooLow);
    assert.equal((await worker.getData()).tokens, 0n);
  });

  test('the last payout closes, and a closed worker takes nothing more', async () => {
    const network = await createNetwork();
    const { chain, worker, stranger, workerOwner, excesses } = network;
    await topUp(network, toNano(20));
    await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 1000n));
    const result = await worker.sendBody(stranger.getSender(), toNano(1), lastPayout(network, 1000n));
    assertOk(result, worker.address);
    assert.equal((await worker.getData()).state, State.closed);
    assert.equal((await chain.getContract(worker.address)).balance, toNano('0.01'));
    const after = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 2000n));
    assert.equal(exitCode(after, worker.address), ExitCode.wrongState);
    const register = { value: toNano('0.5'), sendExcessesTo: excesses };
    const closed = await worker.sendRegister(workerOwner.getSender(), register);
    assert.equal(exitCode(closed, worker.address), ExitCode.wrongState);
  });

  test('only the owner registers, and the proxy contract is told without gas', async () => {
    const network = await createNetwork();
    const { worker, proxy, workerOwner, stranger, excesses } = network;
    const call = { value: toNano('0.5'), sendExcessesTo: excesses };
    const refused = await worker.sendRegister(stranger.getSender(), call);
    assert.equal(exitCode(refused, worker.address), ExitCode.senderNotOwner);
    const result = await worker.sendRegister(workerOwner.getSender(), call);
    assertOk(result, worker.address);
    assert.equal(exitCode(result, proxy.address), 'no-gas');
    assert.equal(sentTo(result, worker.address, proxy.address)[0].op, Op.workerProxyRequest);
  });

  test('a proxy contract that cannot pay sends the value back', async () => {
    const network = await createNetwork();
    const { worker, proxy, stranger } = network;
    const result = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 10n ** 9n));
    assertOk(result, worker.address);
    assert.equal(exitCode(result, proxy.address), ExitCode.outOfRange);
    const [bounced] = sentTo(result, proxy.address, worker.address);
    assert.ok(bounced.message.info.type === 'internal' && bounced.message.info.bounced);
    assert.equal(transactionOn(result, proxy.address).outMessagesCount, 1);
  });

  test('a fee above the price aborts', async () => {
    const network = await createNetwork({ pricePerToken: 10n, workerFeePerToken: 11n });
    const { worker, stranger } = network;
    const result = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 10n));
    assert.equal(exitCode(result, worker.address), ExitCode.outOfRange);
    assert.equal((await worker.getData()).tokens, 0n);
  });
});
