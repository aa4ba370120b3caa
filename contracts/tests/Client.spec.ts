import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Address, beginCell, toNano } from '@ton/core';
import { Client } from '../wrappers/Client';
import { ExitCode, Op, State } from '../wrappers/ops';
import { header, signTokens } from '../wrappers/signed';
import {
  addStake,
  assertOk,
  assertSolvent,
  codes,
  coinsOf,
  cost,
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

  test('a forced refund pays the deposit back, whatever the stake', async () => {
    for (const stake of [0n, toNano(4), toNano(100)]) {
      const network = await createNetwork();
      const { chain, client, proxy, clientOwner, excesses, params } = network;
      if (stake > 0n) await addStake(network, stake);
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
      assert.equal(sentTo(result, proxy.address, clientOwner.address)[0].value, toNano(10));
      assert.deepEqual([(await proxy.getData()).stake, await proxy.getDeposits()], [stake, 0n]);
      assert.equal((await client.getData()).state, State.closed);
      await assertSolvent(network);
    }
  });

  test('a forced refund takes from the stake what the deposits lack, and no more than there is', async () => {
    for (const [stake, paid] of [
      [toNano(5), toNano(6)],
      [toNano(20), toNano(10)],
    ]) {
      const network = await createNetwork();
      const { chain, client, proxy, clientOwner, excesses, params } = network;
      await topUp(network, toNano(10));
      await payWorker(network, 450_000_000n); // 9 TON that nobody was charged for
      await addStake(network, stake);
      const call = { value: toNano('0.7'), sendExcessesTo: excesses };
      await client.sendRequestRefund(clientOwner.getSender(), call);
      chain.now = START + params.clientDelayBeforeClose + 1;
      const result = await client.sendRequestRefund(clientOwner.getSender(), call);
      assert.equal(sentTo(result, proxy.address, clientOwner.address)[0].value, paid);
      assert.equal((await proxy.getData()).stake, stake + toNano(1) - paid);
      await assertSolvent(network);
    }
  });

  test('whoever relays the last refund, the gas money goes to the owner', async () => {
    const network = await createNetwork();
    const { client, proxy, clientOwner, stranger } = network;
    await topUp(network, toNano(10));
    const own = await coinsOf(network, client.address);
    const body = signTokens(Op.clientGrantRefundSigned, client.address, 0n, {
      ...signedBy(machineKey, network),
      sendExcessesTo: stranger.address,
    });
    const result = await client.sendBody(stranger.getSender(), toNano('0.7'), body);
    const [gasMoney] = sentTo(result, client.address, clientOwner.address);
    assert.deepEqual([gasMoney.op, gasMoney.bounce], [Op.excesses, false]);
    assert.ok(own > toNano('0.79') && gasMoney.value > own - toNano('0.011'));
    assert.equal(await coinsOf(network, client.address), toNano('0.01'));
    assert.ok(receivedBy(result, stranger.address) < toNano('0.7'));
    assert.equal(sentTo(result, proxy.address, clientOwner.address)[0].value, toNano(10));
  });

  test('a refund that the proxy contract cannot pay is restored and can be forced at once', async () => {
    const network = await createNetwork();
    const { client, proxy, clientOwner, stranger, excesses } = network;
    await topUp(network, toNano(15));
    await payWorker(network, 700_000_000n);
    const result = await client.sendBody(stranger.getSender(), toNano('0.7'), grantRefund(network, 0n));
    assert.equal(exitCode(result, proxy.address), ExitCode.outOfRange);
    assert.ok(sentTo(result, client.address, excesses)[0].value > toNano('0.65'), 'the rest goes to the relayer');
    const { state, balance, unlockTs } = await client.getData();
    assert.deepEqual([state, balance, unlockTs], [State.closing, toNano(15), 0]);

    await addStake(network, toNano(14));
    const call = { value: toNano('0.7'), sendExcessesTo: excesses };
    const paid = await client.sendRequestRefund(clientOwner.getSender(), call);
    assert.equal(sentTo(paid, proxy.address, clientOwner.address)[0].value, toNano(15));
    assert.equal((await client.getData()).state, State.closed);
    await assertSolvent(network);
  });

  test('a withdrawal that the proxy contract cannot pay is restored', async () => {
    const network = await createNetwork();
    const { client, proxy, clientOwner, excesses } = network;
    await topUp(network, toNano(20));
    await payWorker(network, 900_000_000n);
    const call = { value: toNano('0.7'), sendExcessesTo: excesses };
    const result = await client.sendWithdraw(clientOwner.getSender(), call);
    assert.equal(exitCode(result, proxy.address), ExitCode.outOfRange);
    const { state, balance } = await client.getData();
    assert.deepEqual([state, balance], [State.normal, toNano(20)]);
  });

  test('a top-up that finds no proxy contract comes back', async () => {
    const network = await createNetwork({}, { deployProxy: false });
    const { client, proxy, excesses } = network;
    const result = await topUp(network, toNano(3));
    assert.equal(exitCode(result, proxy.address), 'no-state');
    assert.equal((await client.getData()).balance, 0n);
    assert.ok(receivedBy(result, excesses) > toNano('3.69'));
  });

  // The attacker's figure is unbacked while the bounce is on its way. What it is used for in the meantime is paid by the
  // coins that come back.
  test('what is withdrawn before a top-up bounces is paid for by that top-up', async () => {
    const network = await createNetwork({}, { deployProxy: false });
    const { chain, client, proxy, clientOwner, proxyOwner, excesses, params } = network;
    const victimOwner = await chain.treasury('victim');
    const account = { owner: victimOwner.address, proxy: proxy.address, proxyPublicKey: machineKey.publicKey, params };
    const victim = chain.openContract(Client.createFromConfig(account, codes.client));
    await victim.sendDeploy(victimOwner.getSender(), toNano('0.8'));

    const body = header(Op.clientTopUp, 1n).storeCoins(toNano(20)).storeAddress(excesses).endCell();
    const attempt = { from: clientOwner.address, to: client.address, value: toNano('20.7'), body };
    const bounce = await holdAfter(chain, 2, attempt);
    assert.equal((await client.getData()).balance, toNano(20));
    await proxy.sendDeploy(proxyOwner.getSender(), toNano('0.3'));
    const call = { value: toNano('0.7'), sendExcessesTo: excesses };
    await victim.sendTopUp(victimOwner.getSender(), { ...call, value: toNano('20.7'), amount: toNano(20) });
    const stolen = await client.sendWithdraw(clientOwner.getSender(), call);
    assert.equal(sentTo(stolen, proxy.address, clientOwner.address)[0].value, toNano(5));
    assert.equal(await proxy.getDeposits(), toNano(15));

    await bounce();
    assert.equal((await client.getData()).balance, 0n);
    assert.equal(await proxy.getDeposits(), toNano(20));
    await assertSolvent(network);
    await victim.sendRequestRefund(victimOwner.getSender(), call);
    chain.now = START + params.clientDelayBeforeClose + 1;
    const refund = await victim.sendRequestRefund(victimOwner.getSender(), call);
    assert.equal(sentTo(refund, proxy.address, victimOwner.address)[0].value, toNano(15));
  });

  test('an excess address that does not exist costs only the excesses', async () => {
    const network = await createNetwork();
    const { client, proxy, clientOwner, stranger } = network;
    const call = { value: toNano('20.7'), amount: toNano(20), sendExcessesTo: nowhere };
    assertOk(await client.sendTopUp(stranger.getSender(), call), client.address, proxy.address);
    assert.deepEqual([(await client.getData()).balance, await proxy.getDeposits()], [toNano(20), toNano(20)]);
    const charged = signTokens(Op.clientChargeSigned, client.address, 50_000_000n, {
      ...signedBy(machineKey, network),
      sendExcessesTo: nowhere,
    });
    assertOk(await client.sendBody(stranger.getSender(), toNano('0.7'), charged), client.address);
    const granted = signTokens(Op.clientGrantRefundSigned, client.address, 50_000_000n, {
      ...signedBy(machineKey, network),
      sendExcessesTo: nowhere,
    });
    const result = await client.sendBody(stranger.getSender(), toNano('0.7'), granted);
    assert.equal(sentTo(result, proxy.address, clientOwner.address)[0].value, toNano(19));
    await assertSolvent(network);
  });

  test('an excess address that is none is refused before anything is counted', async () => {
    const network = await createNetwork();
    const { client, stranger } = network;
    const body = header(Op.clientTopUp, 1n).storeCoins(toNano(1)).storeUint(0, 2);
    const result = await client.sendBody(stranger.getSender(), toNano('1.7'), body.endCell());
    assert.equal(exitCode(result, client.address), ExitCode.bodyShape);
    assert.equal((await client.getData()).balance, 0n);
  });

  test('the largest counters and prices charge the whole balance and overflow nothing', async () => {
    const network = await createNetwork({ pricePerToken: 2n ** 119n });
    const { client, stranger } = network;
    await topUp(network, toNano(5));
    const body = charge(network, 2n ** 64n - 1n);
    assertOk(await client.sendBody(stranger.getSender(), toNano('0.7'), body), client.address);
    const { balance, tokensUsed } = await client.getData();
    assert.deepEqual([balance, tokensUsed], [0n, 2n ** 64n - 1n]);
  });

  test('a delay beyond the end of time locks, it does not fail', async () => {
    const network = await createNetwork({ clientDelayBeforeClose: 2 ** 32 - 1 });
    const { client, clientOwner, excesses } = network;
    const call = { value: toNano('0.7'), sendExcessesTo: excesses };
    assertOk(await client.sendRequestRefund(clientOwner.getSender(), call), client.address);
    assert.equal((await client.getData()).unlockTs, 2 ** 32 - 1);
  });

  test('only the proxy contract returns top-ups', async () => {
    const network = await createNetwork();
    const { client, clientOwner, stranger, excesses } = network;
    await topUp(network, toNano(20));
    const body = header(Op.proxyClientReturnTopUp, 1n).storeCoins(toNano(20)).storeAddress(excesses).endCell();
    for (const sender of [stranger, clientOwner]) {
      const result = await client.sendBody(sender.getSender(), toNano('0.7'), body);
      assert.equal(exitCode(result, client.address), ExitCode.senderNotDerived);
    }
    assert.equal((await client.getData()).balance, toNano(20));
  });

  test('a payment signed for a client of another instance, owner or network is worth nothing here', async () => {
    const network = await createNetwork();
    const others = await Promise.all([createNetwork({ paramsVersion: 8 }), createNetwork({ uniqueId: 240 })]);
    const { client, stranger } = network;
    await topUp(network, toNano(20));
    for (const other of others) {
      assert.ok(!other.client.address.equals(client.address));
      for (const body of [charge(other, 1000n), grantRefund(other, 1000n)]) {
        const result = await client.sendBody(stranger.getSender(), toNano('0.7'), body);
        assert.equal(exitCode(result, client.address), ExitCode.signedForAnother);
      }
    }
    const elsewhere = Address.parseRaw(`-1:${client.address.hash.toString('hex')}`);
    const body = signTokens(Op.clientChargeSigned, elsewhere, 1000n, signedBy(machineKey, network));
    const result = await client.sendBody(stranger.getSender(), toNano('0.7'), body);
    assert.equal(exitCode(result, client.address), ExitCode.signedForAnother);
  });

  test('a charge and a granted refund are exact in either order', async () => {
    for (const order of ['charge first', 'refund first']) {
      const network = await createNetwork();
      const { client, proxy, clientOwner, stranger } = network;
      await topUp(network, toNano(20));
      const bodies = [charge(network, 100_000_000n), grantRefund(network, 200_000_000n)];
      let refunded = 0n;
      for (const body of order === 'charge first' ? bodies : bodies.reverse()) {
        const result = await client.sendBody(stranger.getSender(), toNano('0.7'), body);
        refunded += sentTo(result, proxy.address, clientOwner.address).reduce((sum, { value }) => sum + value, 0n);
      }
      assert.equal(refunded, toNano(16));
      assert.equal((await client.getData()).tokensUsed, 200_000_000n);
      assert.equal(await proxy.getDeposits(), toNano(4));
    }
  });

  test('a stranger can do nothing that is the owner’s', async () => {
    const network = await createNetwork();
    const { client, stranger, proxyOwner, workerOwner, excesses } = network;
    await topUp(network, toNano(20));
    const before = String(Object.values(await client.getData()));
    const call = { value: toNano(2), sendExcessesTo: excesses };
    for (const { getSender } of [stranger, proxyOwner, workerOwner]) {
      const results = [
        await client.sendRegister(getSender(), { ...call, nonce: 1n }),
        await client.sendChangeSecretHash(getSender(), { ...call, secretHash: 1n }),
        await client.sendChangeSecretHashAndTopUp(getSender(), { ...call, amount: 1n, secretHash: 1n }),
        await client.sendIncreaseStake(getSender(), { ...call, stake: toNano(99) }),
        await client.sendWithdraw(getSender(), call),
        await client.sendRequestRefund(getSender(), call),
      ];
      assert.deepEqual(
        results.map((result) => exitCode(result, client.address)),
        [1010, 1010, 1010, 1010, 1009, 1009],
      );
    }
    assert.equal(String(Object.values(await client.getData())), before);
  });

  test('params of all generations up to 5 are read; others are refused where they are needed', async () => {
    for (const structVersion of [0, 1, 2, 3, 4, 5, 6]) {
      const minStake = structVersion >= 1 ? toNano(15) : toNano(1);
      const network = await createNetwork({ structVersion, minClientStake: minStake, minProxyStake: minStake });
      const { client, proxy, clientOwner, stranger, excesses } = network;
      const result = await topUp(network, toNano(20));
      if (structVersion > 5) {
        assert.equal(exitCode(result, proxy.address), ExitCode.paramsStructVersion);
        const charged = await client.sendBody(stranger.getSender(), toNano('0.7'), charge(network, 1n));
        assert.equal(exitCode(charged, client.address), ExitCode.paramsStructVersion);
        continue;
      }
      assertOk(result, client.address, proxy.address);
      assertOk(await client.sendBody(stranger.getSender(), toNano('0.7'), charge(network, 10n)), client.address);
      assert.equal((await client.getData()).balance, toNano(20) - 200n);
      const call = { value: toNano('0.7'), sendExcessesTo: excesses };
      assertOk(await client.sendRequestRefund(clientOwner.getSender(), call), client.address, proxy.address);
      assert.equal((await client.getData()).balance, minStake);
      assert.equal((await client.getData()).unlockTs, START + network.params.clientDelayBeforeClose);
      const { minProxyStake, minClientStake, paramsVersion } = await proxy.getData();
      assert.deepEqual([minProxyStake, minClientStake, paramsVersion], [minStake, minStake, 7]);
    }
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
