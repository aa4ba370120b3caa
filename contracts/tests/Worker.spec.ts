import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toNano } from '@ton/core';
import { ExitCode, Op, State } from '../wrappers/ops';
import { signClose, signTokens } from '../wrappers/signed';
import {
  assertOk,
  assertSolvent,
  coinsOf,
  cost,
  createNetwork,
  exitCode,
  holdAfter,
  machineKey,
  Network,
  otherKey,
  receivedBy,
  sentTo,
  signedBy,
  START,
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

  test('a payout that the proxy contract cannot pay is restored and can be claimed later', async () => {
    const network = await createNetwork();
    const { worker, proxy, workerOwner, stranger, excesses } = network;
    await topUp(network, toNano(2));
    await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 1000n));
    const claim = payout(network, 10n ** 9n);
    const result = await worker.sendBody(stranger.getSender(), toNano('0.5'), claim);
    assertOk(result, worker.address);
    assert.equal(exitCode(result, proxy.address), ExitCode.outOfRange);
    const [bounced] = sentTo(result, proxy.address, worker.address);
    assert.ok(bounced.message.info.type === 'internal' && bounced.message.info.bounced);
    assert.equal(transactionOn(result, proxy.address).outMessagesCount, 1);
    assert.equal((await worker.getData()).tokens, 1000n);
    assert.ok(sentTo(result, worker.address, excesses)[0].value > toNano('0.45'), 'the rest goes to the relayer');
    await assertSolvent(network);

    await topUp(network, toNano(20));
    const later = await worker.sendBody(stranger.getSender(), toNano('0.5'), claim);
    assert.equal(sentTo(later, proxy.address, workerOwner.address)[0].value, (10n ** 9n - 1000n) * 19n);
    assert.equal((await worker.getData()).tokens, 10n ** 9n);
  });

  test('a last payout that the proxy contract cannot pay leaves the worker open', async () => {
    const network = await createNetwork();
    const { worker, proxy, workerOwner, stranger } = network;
    const result = await worker.sendBody(stranger.getSender(), toNano(1), lastPayout(network, 10n ** 8n));
    assert.equal(exitCode(result, proxy.address), ExitCode.outOfRange);
    assert.deepEqual([(await worker.getData()).state, (await worker.getData()).tokens], [State.normal, 0n]);
    await topUp(network, toNano(2));
    const again = await worker.sendBody(stranger.getSender(), toNano(1), lastPayout(network, 10n ** 8n));
    assert.equal(sentTo(again, proxy.address, workerOwner.address)[0].value, toNano('1.9'));
    assert.equal((await worker.getData()).state, State.closed);
  });

  // The first payout is refused, a second one is paid, and only then the first bounce arrives.
  test('a bounce that arrives after a later payout takes back its own part only', async () => {
    const network = await createNetwork();
    const { chain, worker, proxy, workerOwner, stranger } = network;
    const message = { from: stranger.address, to: worker.address, value: toNano('0.5') };
    const bounce = await holdAfter(chain, 2, { ...message, body: payout(network, 10n ** 8n) });
    await topUp(network, toNano(2));
    const second = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 10n ** 8n + 1000n));
    assert.equal(sentTo(second, proxy.address, workerOwner.address)[0].value, 1000n * 19n);
    await bounce();
    assert.equal((await worker.getData()).tokens, 1000n);
    const rest = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 10n ** 8n + 1000n));
    assert.equal((await worker.getData()).tokens, 10n ** 8n + 1000n);
    assert.equal(sentTo(rest, proxy.address, workerOwner.address)[0].value, 10n ** 8n * 19n);
    await assertSolvent(network);
  });

  test('counters are restored without a fee and without a price too', async () => {
    const network = await createNetwork({ pricePerToken: 20n, workerFeePerToken: 0n });
    const { chain, worker, proxy, stranger, params } = network;
    const closeIt = [Op.proxyCloseRequestSigned, Op.proxyCloseCompleteSigned];
    for (const op of closeIt) {
      const body = signClose(op, proxy.address, signedBy(machineKey, network));
      assertOk(await proxy.sendBody(stranger.getSender(), toNano(1), body), proxy.address);
      chain.now = START + params.proxyDelayBeforeClose;
    }
    const result = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 12345n));
    assert.equal(exitCode(result, proxy.address), ExitCode.wrongState);
    assert.equal((await worker.getData()).tokens, 0n);
  });

  test('whoever relays the last payout, the gas money goes to the owner', async () => {
    const network = await createNetwork();
    const { worker, workerOwner, stranger } = network;
    const own = await coinsOf(network, worker.address);
    const options = { ...signedBy(machineKey, network), sendExcessesTo: stranger.address };
    const body = signTokens(Op.workerLastPayoutSigned, worker.address, 0n, options);
    const result = await worker.sendBody(stranger.getSender(), toNano(1), body);
    const [gasMoney] = sentTo(result, worker.address, workerOwner.address);
    assert.ok(gasMoney.value > own - toNano('0.011'));
    assert.ok(receivedBy(result, stranger.address) < toNano(1));
  });

  test('a payment signed for another worker, instance or network is worth nothing here', async () => {
    const network = await createNetwork();
    const { worker, client, stranger } = network;
    await topUp(network, toNano(20));
    const other = await createNetwork({ uniqueId: 240 });
    const bodies = [
      payout(other, 1000n),
      lastPayout(other, 1000n),
      signTokens(Op.workerPayoutSigned, client.address, 1000n, signedBy(machineKey, network)),
    ];
    for (const body of bodies) {
      const result = await worker.sendBody(stranger.getSender(), toNano('0.5'), body);
      assert.equal(exitCode(result, worker.address), ExitCode.signedForAnother);
    }
    const charge = signTokens(Op.clientChargeSigned, worker.address, 1000n, signedBy(machineKey, network));
    const result = await worker.sendBody(stranger.getSender(), toNano('0.5'), charge);
    assert.equal(exitCode(result, worker.address), ExitCode.unknownOpcode);
  });

  test('amounts that do not fit coins are refused', async () => {
    const network = await createNetwork({ pricePerToken: 2n ** 100n, workerFeePerToken: 2n ** 99n });
    const { worker, stranger } = network;
    const result = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 2n ** 63n));
    assert.equal(exitCode(result, worker.address), ExitCode.outOfRange);
    assert.equal((await worker.getData()).tokens, 0n);
  });

  test('a fee above the price aborts', async () => {
    const network = await createNetwork({ pricePerToken: 10n, workerFeePerToken: 11n });
    const { worker, stranger } = network;
    const result = await worker.sendBody(stranger.getSender(), toNano('0.5'), payout(network, 10n));
    assert.equal(exitCode(result, worker.address), ExitCode.outOfRange);
    assert.equal((await worker.getData()).tokens, 0n);
  });
});
