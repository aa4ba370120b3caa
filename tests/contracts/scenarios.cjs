// The 23 recorded scenarios: what is sent to the contracts, in this order (query ids count through all of them).
const { L, T, T0, env, step, deployed, topup, q, J, keys } = require('./recorder.cjs');
const { beginCell } = L.core;
const { OP, M } = L;
const { proxyKp, nodeKp, badKp, kmKp } = keys;

const scenarios = [];
const scenario = (name, run, options) => scenarios.push({ name, run, options });

const charge = (E, tok, { kp = proxyKp, self = E.client, qq = q() } = {}) =>
  L.signedPay(OP.ext_client_charge_signed, qq, BigInt(tok), self, E.excessTo.address, kp);
const grant = (E, tok, { kp = proxyKp, self = E.client, qq = q() } = {}) =>
  L.signedPay(OP.ext_client_grant_refund_signed, qq, BigInt(tok), self, E.excessTo.address, kp);
const pay = (E, tok, { kp = proxyKp, self = E.worker, qq = q() } = {}) =>
  L.signedPay(OP.ext_worker_payout_request_signed, qq, BigInt(tok), self, E.excessTo.address, kp);
const last = (E, tok, { kp = proxyKp, self = E.worker, qq = q() } = {}) =>
  L.signedPay(OP.ext_worker_last_payout_request_signed, qq, BigInt(tok), self, E.excessTo.address, kp);
scenario('happy_path', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(15));
  await step(E, sc, 'owner register nonce', {
    from: 'clientOwner',
    to: 'client',
    value: T(1),
    body: M.client_register(q(), 0x1122334455667788n, E.excessTo.address),
  });
  await step(E, sc, 'owner change secret hash', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_change_secret(q(), Buffer.alloc(32, 0x5a), E.excessTo.address),
  });
  await step(E, sc, 'proxy save state (1 nanoTON)', {
    from: 'proxyNode',
    to: 'proxy',
    value: 1n,
    body: M.save_state(q(), 7, Buffer.alloc(32, 0x77)),
  });
  await step(E, sc, 'charge to 100000000 cumulative tokens', {
    from: 'proxyNode',
    to: 'client',
    value: T(0.7),
    body: charge(E, 100000000),
  });
  await step(E, sc, 'worker payout to 100000000 cumulative tokens', {
    from: 'proxyNode',
    to: 'worker',
    value: T(0.7),
    body: pay(E, 100000000),
  });
  await step(E, sc, 'proxy payout request by anyone', {
    from: 'anyone',
    to: 'proxy',
    value: T(0.2),
    body: M.proxy_payout(q(), E.excessTo.address),
  });
});
scenario('client_top_up_edges', async (E, sc) => {
  await deployed(E, sc);
  await step(E, sc, 'top up by a stranger is allowed', {
    from: 'anyone',
    to: 'client',
    value: T(2.7),
    body: M.client_top_up(q(), T(2), E.excessTo.address),
  });
  await step(E, sc, 'value exactly amount+0.1', {
    from: 'anyone',
    to: 'client',
    value: T(1.1),
    body: M.client_top_up(q(), T(1), E.excessTo.address),
  });
  await step(E, sc, 'value one nano short', {
    from: 'anyone',
    to: 'client',
    value: T(1.1) - 1n,
    body: M.client_top_up(q(), T(1), E.excessTo.address),
  });
  await step(E, sc, 'secret+top up by stranger', {
    from: 'anyone',
    to: 'client',
    value: T(2),
    body: M.client_change_secret_top_up(q(), T(1), Buffer.alloc(32, 1), E.excessTo.address),
  });
  await step(E, sc, 'secret+top up by owner', {
    from: 'clientOwner',
    to: 'client',
    value: T(2),
    body: M.client_change_secret_top_up(q(), T(1), Buffer.alloc(32, 1), E.excessTo.address),
  });
  await step(E, sc, 'unknown opcode', {
    from: 'anyone',
    to: 'client',
    value: T(0.5),
    body: L.hdr(0x12345678, 1n).endCell(),
  });
  await step(E, sc, '32-bit body shorter than header', {
    from: 'anyone',
    to: 'client',
    value: T(0.5),
    body: beginCell().storeUint(OP.ext_client_top_up, 32).endCell(),
  });
  await step(E, sc, 'trailing bit in body', {
    from: 'anyone',
    to: 'client',
    value: T(1.5),
    body: beginCell()
      .storeSlice(M.client_top_up(q(), T(1), E.excessTo.address).beginParse())
      .storeBit(1)
      .endCell(),
  });
  await step(E, sc, 'do_not_process marker', {
    from: 'anyone',
    to: 'client',
    value: T(0.5),
    body: L.hdr(OP.do_not_process, 1n).endCell(),
  });
  await step(E, sc, 'plain transfer, empty body', { from: 'anyone', to: 'client', value: T(0.5) });
});
scenario('client_stake_and_withdraw', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(20));
  await step(E, sc, 'withdraw by stranger', {
    from: 'anyone',
    to: 'client',
    value: T(0.7),
    body: M.client_withdraw(q(), E.excessTo.address),
  });
  await step(E, sc, 'withdraw by owner', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_withdraw(q(), E.excessTo.address),
  });
  await step(E, sc, 'withdraw again: nothing above stake', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_withdraw(q(), E.excessTo.address),
  });
  await step(E, sc, 'increase stake to 16 (absolute)', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_increase_stake(q(), T(16), E.excessTo.address),
  });
  await step(E, sc, 'increase stake to same value', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_increase_stake(q(), T(16), E.excessTo.address),
  });
  await step(E, sc, 'increase stake as the reference node serialises it (field missing)', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: L.hdr(OP.owner_client_increase_stake, q()).storeAddress(E.excessTo.address).endCell(),
  });
  await step(E, sc, 'low value 0.0999..', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.1) - 1n,
    body: M.client_register(q(), 1n, E.excessTo.address),
  });
  await step(E, sc, 'register by stranger', {
    from: 'anyone',
    to: 'client',
    value: T(0.7),
    body: M.client_register(q(), 1n, E.excessTo.address),
  });
  await step(E, sc, 'change secret by stranger', {
    from: 'anyone',
    to: 'client',
    value: T(0.7),
    body: M.client_change_secret(q(), Buffer.alloc(32, 9), E.excessTo.address),
  });
});
scenario('client_charge_edges', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(15));
  const a = charge(E, 1000);
  await step(E, sc, 'charge 1000', { from: 'anyone', to: 'client', value: T(0.7), body: a });
  await step(E, sc, 'replay same message', { from: 'anyone', to: 'client', value: T(0.7), body: a });
  await step(E, sc, 'older cumulative value', { from: 'anyone', to: 'client', value: T(0.7), body: charge(E, 999) });
  await step(E, sc, 'bad signature', {
    from: 'anyone',
    to: 'client',
    value: T(0.7),
    body: charge(E, 2000, { kp: badKp }),
  });
  await step(E, sc, 'signed for another address', {
    from: 'anyone',
    to: 'client',
    value: T(0.7),
    body: charge(E, 2000, { self: E.worker }),
  });
  {
    const p = L.inner(OP.ext_client_charge_signed, 5n, 2000n, E.client);
    await step(E, sc, 'outer qid differs from inner', {
      from: 'anyone',
      to: 'client',
      value: T(0.7),
      body: L.wrap(OP.ext_client_charge_signed, 6n, E.excessTo.address, L.sign(p, proxyKp), p),
    });
  }
  {
    const p = L.inner(OP.ext_client_charge_signed, 5n, 2000n, E.client);
    await step(E, sc, 'outer op refund, inner op charge', {
      from: 'anyone',
      to: 'client',
      value: T(0.7),
      body: L.wrap(OP.ext_client_grant_refund_signed, 5n, E.excessTo.address, L.sign(p, proxyKp), p),
    });
  }
  {
    const p = L.inner(OP.ext_client_charge_signed, 7n, 2000n, E.client);
    await step(E, sc, 'repacked: same signature, another excess address', {
      from: 'anyone',
      to: 'client',
      value: T(0.7),
      body: L.wrap(OP.ext_client_charge_signed, 7n, E.anyone.address, L.sign(p, proxyKp), p),
    });
  }
  await step(E, sc, 'low value', { from: 'anyone', to: 'client', value: T(0.09), body: charge(E, 3000) });
  await step(E, sc, 'charge above balance floors at zero', {
    from: 'anyone',
    to: 'client',
    value: T(0.7),
    body: charge(E, 10n ** 12n),
  });
  await step(E, sc, 'body starting with ffffffff but not flagged as bounced is parsed as a normal message', {
    from: 'anyone',
    to: 'client',
    value: T(0.7),
    body: beginCell().storeUint(0xffffffff, 32).storeUint(OP.client_proxy_request, 32).endCell(),
  });
});
scenario('client_close_granted', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(20));
  await step(E, sc, 'request refund in normal state (balance above stake)', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
  await topup(E, sc, T(1));
  await step(E, sc, 'secret+top up while closing is still accepted', {
    from: 'clientOwner',
    to: 'client',
    value: T(1.7),
    body: M.client_change_secret_top_up(q(), T(1), Buffer.alloc(32, 0), E.excessTo.address),
  });
  await step(E, sc, 'withdraw while closing is refused', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_withdraw(q(), E.excessTo.address),
  });
  await step(E, sc, 'register while closing is accepted', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_register(q(), 1n, E.excessTo.address),
  });
  await step(E, sc, 'charge while closing is allowed', {
    from: 'proxyNode',
    to: 'client',
    value: T(0.7),
    body: charge(E, 50000000),
  });
  await step(E, sc, 'second request before unlock', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
  await step(E, sc, 'grant refund signed, same cumulative tokens', {
    from: 'proxyNode',
    to: 'client',
    value: T(0.7),
    body: grant(E, 50000000),
  });
  await step(E, sc, 'grant refund replay when closed and empty', {
    from: 'proxyNode',
    to: 'client',
    value: T(0.7),
    body: grant(E, 50000000),
  });
  await step(E, sc, 'charge when closed', {
    from: 'proxyNode',
    to: 'client',
    value: T(0.7),
    body: charge(E, 60000000),
  });
  await step(E, sc, 'top up when closed', {
    from: 'clientOwner',
    to: 'client',
    value: T(2),
    body: M.client_top_up(q(), T(1), E.excessTo.address),
  });
  await step(E, sc, 'request refund when closed', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
});
scenario('client_close_balance_below_stake', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(10));
  await step(E, sc, 'request refund, balance not above stake', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
  await step(E, sc, 'grant refund with more tokens: charges then refunds rest', {
    from: 'proxyNode',
    to: 'client',
    value: T(0.7),
    body: grant(E, 100000000),
  });
});
scenario('client_forced_refund', async (E, sc) => {
  await deployed(E, sc, { stake: T(4) });
  await topup(E, sc, T(15));
  await step(E, sc, 'request refund', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
  const un = L.dec('client', (await E.bc.getContract(E.client)).accountState.state.data).unlock_ts;
  E.bc.now = un;
  await step(E, sc, 'second request exactly at unlock_ts', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
  E.bc.now = un + 1;
  await step(E, sc, 'second request one second after unlock_ts: forced refund limited by proxy stake', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
});
scenario('client_forced_refund_without_proxy_stake', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(15));
  await step(E, sc, 'request refund', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
  E.bc.now += 43202;
  await step(E, sc, 'forced refund with zero proxy stake pays zero', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
});
scenario('worker_payouts', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(20));
  await step(E, sc, 'register by owner', {
    from: 'workerOwner',
    to: 'worker',
    value: T(0.5),
    body: M.worker_register(q(), E.excessTo.address),
  });
  await step(E, sc, 'register by stranger', {
    from: 'anyone',
    to: 'worker',
    value: T(0.5),
    body: M.worker_register(q(), E.excessTo.address),
  });
  const a = pay(E, 1000000);
  await step(E, sc, 'payout 1000000', { from: 'anyone', to: 'worker', value: T(0.5), body: a });
  await step(E, sc, 'replay', { from: 'anyone', to: 'worker', value: T(0.5), body: a });
  await step(E, sc, 'value exactly 0.1 is too low (strict)', {
    from: 'anyone',
    to: 'worker',
    value: T(0.1),
    body: pay(E, 2000000),
  });
  await step(E, sc, 'bad signature', {
    from: 'anyone',
    to: 'worker',
    value: T(0.5),
    body: pay(E, 2000000, { kp: badKp }),
  });
  await step(E, sc, 'other address', {
    from: 'anyone',
    to: 'worker',
    value: T(0.5),
    body: pay(E, 2000000, { self: E.client }),
  });
  await step(E, sc, 'payout larger than proxy funds', {
    from: 'anyone',
    to: 'worker',
    value: T(0.5),
    body: pay(E, 10000000000),
  });
  await step(E, sc, 'unknown op', {
    from: 'anyone',
    to: 'worker',
    value: T(0.5),
    body: L.hdr(0x12345678, 1n).endCell(),
  });
});
scenario('worker_last_payout', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(20));
  await step(E, sc, 'payout 1000000', { from: 'anyone', to: 'worker', value: T(0.5), body: pay(E, 1000000) });
  await step(E, sc, 'last payout same tokens (delta 0)', {
    from: 'proxyNode',
    to: 'worker',
    value: T(1),
    body: last(E, 1000000),
  });
  await step(E, sc, 'payout after close', { from: 'anyone', to: 'worker', value: T(0.5), body: pay(E, 3000000) });
});
scenario('proxy_close_owner_then_signed_complete', async (E, sc) => {
  await deployed(E, sc, { stake: T(4) });
  await topup(E, sc, T(15));
  await step(E, sc, 'charge', { from: 'proxyNode', to: 'client', value: T(0.7), body: charge(E, 100000000) });
  await step(E, sc, 'worker payout', { from: 'proxyNode', to: 'worker', value: T(0.7), body: pay(E, 100000000) });
  await step(E, sc, 'owner_proxy_close by stranger', {
    from: 'anyone',
    to: 'proxy',
    value: T(1),
    body: M.proxy_close(q(), E.excessTo.address),
  });
  await step(E, sc, 'complete before closing', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_complete_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
  await step(E, sc, 'owner_proxy_close as the reference node serialises it (no query id)', {
    from: 'proxyOwner',
    to: 'proxy',
    value: T(1),
    body: beginCell().storeUint(OP.owner_proxy_close, 32).storeAddress(E.excessTo.address).endCell(),
  });
  await step(E, sc, 'owner_proxy_close', {
    from: 'proxyOwner',
    to: 'proxy',
    value: T(1),
    body: M.proxy_close(q(), E.excessTo.address),
  });
  await step(E, sc, 'close request when closing', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
  await topup(E, sc, T(1));
  await step(E, sc, 'grant refund with final tokens while proxy closing', {
    from: 'proxyNode',
    to: 'client',
    value: T(1),
    body: grant(E, 110000000),
  });
  await step(E, sc, 'last worker payout while proxy closing', {
    from: 'proxyNode',
    to: 'worker',
    value: T(1),
    body: last(E, 110000000),
  });
  await step(E, sc, 'complete signed', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_complete_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
  await step(E, sc, 'payout request after closed', {
    from: 'anyone',
    to: 'proxy',
    value: T(0.2),
    body: M.proxy_payout(q(), E.excessTo.address),
  });
  await step(E, sc, 'increase stake after closed', {
    from: 'anyone',
    to: 'proxy',
    value: T(1.2),
    body: M.proxy_increase_stake(q(), T(1), E.excessTo.address),
  });
});
scenario('proxy_close_signed_and_errors', async (E, sc) => {
  await deployed(E, sc, { stake: T(1) });
  await step(E, sc, 'close request bad signature', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_request_signed, q(), E.proxy, E.excessTo.address, badKp),
  });
  await step(E, sc, 'close request other address', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_request_signed, q(), E.client, E.excessTo.address, proxyKp),
  });
  await step(E, sc, 'close request low value', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(0.05),
    body: L.signedClose(OP.ext_proxy_close_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
  await step(E, sc, 'close request', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
  await step(E, sc, 'complete immediately (no on-chain delay)', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_complete_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
  await step(E, sc, 'complete replay', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_complete_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
});
scenario('proxy_closed_with_live_client', async (E, sc) => {
  await deployed(E, sc, { stake: T(1) });
  await topup(E, sc, T(15));
  await step(E, sc, 'close request', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
  await step(E, sc, 'complete: pays balance+stake only, client money stays', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(1),
    body: L.signedClose(OP.ext_proxy_close_complete_request_signed, q(), E.proxy, E.excessTo.address, proxyKp),
  });
  await step(E, sc, 'top up to a closed proxy is still kept', {
    from: 'clientOwner',
    to: 'client',
    value: T(1.7),
    body: M.client_top_up(q(), T(1), E.excessTo.address),
  });
  await step(E, sc, 'request refund part I', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
  E.bc.now += 43202;
  await step(E, sc, 'forced refund from a closed proxy pays in full, stake untouched', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.7),
    body: M.client_request_refund(q(), E.excessTo.address),
  });
  await step(E, sc, 'worker payout when proxy closed: bounces', {
    from: 'proxyNode',
    to: 'worker',
    value: T(0.7),
    body: pay(E, 1000),
  });
});
scenario('proxy_text_commands', async (E, sc) => {
  await deployed(E, sc, { stake: T(1) });
  await topup(E, sc, T(15));
  await step(E, sc, 'worker payout to create proxy balance', {
    from: 'proxyNode',
    to: 'worker',
    value: T(0.7),
    body: pay(E, 100000000),
  });
  await step(E, sc, 'text w by stranger', { from: 'anyone', to: 'proxy', value: T(0.2), body: M.text('w') });
  await step(E, sc, 'text w by owner', { from: 'proxyOwner', to: 'proxy', value: T(0.2), body: M.text('w') });
  await step(E, sc, 'text x', { from: 'proxyOwner', to: 'proxy', value: T(0.2), body: M.text('x') });
  await step(E, sc, 'text c by owner', { from: 'proxyOwner', to: 'proxy', value: T(0.2), body: M.text('c') });
});
scenario('proxy_spoofing', async (E, sc) => {
  await deployed(E, sc);
  await topup(E, sc, T(15));
  const cs = beginCell()
    .storeUint(0, 2)
    .storeCoins(T(1000))
    .storeCoins(T(15))
    .storeUint(0, 64)
    .storeUint(0, 256)
    .endCell();
  const pl = beginCell()
    .storeUint(OP.client_proxy_refund_granted, 32)
    .storeCoins(T(5))
    .storeAddress(E.anyone.address)
    .endCell();
  await step(E, sc, 'fake client request with payload', {
    from: 'anyone',
    to: 'proxy',
    value: T(0.5),
    body: L.hdr(OP.client_proxy_request, 1n)
      .storeAddress(E.clientOwner.address)
      .storeRef(cs)
      .storeMaybeRef(pl)
      .endCell(),
  });
  await step(E, sc, 'fake client request without payload: accepted silently, value kept', {
    from: 'anyone',
    to: 'proxy',
    value: T(0.5),
    body: L.hdr(OP.client_proxy_request, 1n)
      .storeAddress(E.clientOwner.address)
      .storeRef(cs)
      .storeMaybeRef(null)
      .endCell(),
  });
  const wp = beginCell()
    .storeUint(OP.worker_proxy_payout_request, 32)
    .storeCoins(T(5))
    .storeCoins(0n)
    .storeAddress(E.anyone.address)
    .endCell();
  await step(E, sc, 'fake worker request with payload', {
    from: 'anyone',
    to: 'proxy',
    value: T(0.5),
    body: L.hdr(OP.worker_proxy_request, 1n)
      .storeAddress(E.anyone.address)
      .storeUint(0, 2)
      .storeUint(5, 64)
      .storeMaybeRef(wp)
      .endCell(),
  });
  await step(E, sc, 'fake worker request without payload', {
    from: 'anyone',
    to: 'proxy',
    value: T(0.5),
    body: L.hdr(OP.worker_proxy_request, 1n)
      .storeAddress(E.anyone.address)
      .storeUint(0, 2)
      .storeUint(5, 64)
      .storeMaybeRef(null)
      .endCell(),
  });
  await step(E, sc, 'payout request low value', {
    from: 'anyone',
    to: 'proxy',
    value: T(0.05),
    body: M.proxy_payout(q(), E.excessTo.address),
  });
  await step(E, sc, 'unknown op', {
    from: 'anyone',
    to: 'proxy',
    value: T(0.2),
    body: L.hdr(0x12345678, 1n).endCell(),
  });
});
scenario('stake_of_a_client_not_backed', async (E, sc) => {
  // refund exceeds proxy funds
  await deployed(E, sc);
  await topup(E, sc, T(15));
  await step(E, sc, 'drain: worker payout of 14 TON without charging anyone', {
    from: 'proxyNode',
    to: 'worker',
    value: T(0.7),
    body: pay(E, 700000000),
  });
  await step(E, sc, 'grant refund larger than proxy funds', {
    from: 'proxyNode',
    to: 'client',
    value: T(0.7),
    body: grant(E, 0),
  });
});
scenario('client_low_own_balance', async (E, sc) => {
  await step(E, sc, 'deploy proxy', { from: 'proxyNode', to: 'proxy', value: T(0.3), init: E.proxyInit });
  await step(E, sc, 'deploy client with 0.05 TON only', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.05),
    init: E.clientInit,
  });
  await step(E, sc, 'top up 1 TON with value 1.15: own reserve of 0.11 cannot be met', {
    from: 'clientOwner',
    to: 'client',
    value: T(1.15),
    body: M.client_top_up(q(), T(1), E.excessTo.address),
  });
  await step(E, sc, 'top up 1 TON with value 1.17: reserve is refilled from the message', {
    from: 'clientOwner',
    to: 'client',
    value: T(1.17),
    body: M.client_top_up(q(), T(1), E.excessTo.address),
  });
});
scenario('client_deploy_and_register_in_one_message', async (E, sc) => {
  await step(E, sc, 'deploy proxy', { from: 'proxyNode', to: 'proxy', value: T(0.3), init: E.proxyInit });
  await step(E, sc, 'StateInit + register body in one message', {
    from: 'clientOwner',
    to: 'client',
    value: T(1),
    init: E.clientInit,
    body: M.client_register(q(), 5n, E.excessTo.address),
  });
});
scenario(
  'worker_fee_above_price',
  async (E, sc) => {
    await deployed(E, sc);
    await topup(E, sc, T(15));
    await step(E, sc, 'payout: negative proxy part cannot be serialised', {
      from: 'proxyNode',
      to: 'worker',
      value: T(0.7),
      body: pay(E, 1000),
    });
  },
  { params: { price_per_token: 10n, worker_fee_per_token: 11n } },
);
scenario(
  'zero_price',
  async (E, sc) => {
    await deployed(E, sc);
    await topup(E, sc, T(15));
    await step(E, sc, 'charge costs nothing', {
      from: 'proxyNode',
      to: 'client',
      value: T(0.7),
      body: charge(E, 100000),
    });
    await step(E, sc, 'payout pays zero', { from: 'proxyNode', to: 'worker', value: T(0.7), body: pay(E, 100000) });
  },
  { params: { price_per_token: 0n, worker_fee_per_token: 0n } },
);
scenario('messages_to_undeployed_proxy', async (E, sc) => {
  await step(E, sc, 'deploy client only', { from: 'clientOwner', to: 'client', value: T(0.8), init: E.clientInit });
  await step(
    E,
    sc,
    'top up when the proxy contract does not exist: client is credited, value bounces into the client contract',
    { from: 'clientOwner', to: 'client', value: T(1.7), body: M.client_top_up(q(), T(1), E.excessTo.address) },
  );
});
scenario('wallet', async (E, sc) => {
  E.walletInit = { code: E.code.wallet, data: L.walletData({ owner: E.clientOwner.address, pub: nodeKp.publicKey }) };
  E.wallet = L.core.contractAddress(0, E.walletInit);
  E.labels.set(E.wallet.toRawString(), 'wallet');
  const ext = (o) => L.core.external({ to: E.wallet, init: o.init ? E.walletInit : undefined, body: o.body });
  const tr = async (title, o) => {
    try {
      return await step(E, sc, title, { ext: ext(o) });
    } catch (e) {
      const m = String(e.message);
      sc.steps.push({
        title,
        external_not_accepted: true,
        exit: (m.match(/exit[_ ]?code[^0-9-]*(-?\d+)/i) || m.match(/(-?\d+)/) || [])[1] || m.slice(0, 80),
      });
    }
  };
  await step(E, sc, 'fund uninit wallet 1.9 TON (no bounce)', {
    from: 'clientOwner',
    to: 'wallet',
    value: T(1.9),
    bounce: false,
  });
  const m1 = () => [{ mode: 0, cell: L.nodeIntMsg({ to: E.anyone.address, value: T(0.2), body: M.text('a') }) }];
  await tr('deploy+send below 2 TON balance', {
    init: true,
    body: L.walletExt({ seqno: 0, validUntil: T0 + 3600, msgs: m1(), kp: nodeKp }).body,
  });
  await step(E, sc, 'fund +10 TON', { from: 'clientOwner', to: 'wallet', value: T(10), bounce: false });
  const w1 = L.walletExt({ seqno: 0, validUntil: T0 + 3600, msgs: m1(), kp: nodeKp }).body;
  await tr('deploy+send one message', { init: true, body: w1 });
  await tr('replay', { body: w1 });
  await tr('wrong subwallet', {
    body: L.walletExt({ seqno: 1, subwallet: 1, validUntil: T0 + 3600, msgs: m1(), kp: nodeKp }).body,
  });
  await tr('expired (valid_until == now)', {
    body: L.walletExt({ seqno: 1, validUntil: T0, msgs: m1(), kp: nodeKp }).body,
  });
  await tr('bad signature', { body: L.walletExt({ seqno: 1, validUntil: T0 + 3600, msgs: m1(), kp: badKp }).body });
  await tr('four messages, modes 0/1', {
    body: L.walletExt({
      seqno: 1,
      validUntil: T0 + 3600,
      msgs: [
        ...m1(),
        ...m1(),
        {
          mode: 1,
          cell: L.nodeIntMsg({ to: E.anyone.address, value: 1n, body: M.save_state(1n, 1, Buffer.alloc(32)) }),
        },
        ...m1(),
      ],
      kp: nodeKp,
    }).body,
  });
  await tr('zero messages (seqno bump only)', {
    body: L.walletExt({ seqno: 2, validUntil: T0 + 3600, msgs: [], kp: nodeKp }).body,
  });
  const big = L.walletExt({
    seqno: 3,
    validUntil: T0 + 3600,
    msgs: [{ mode: 0, cell: L.nodeIntMsg({ to: E.anyone.address, value: T(1000) }) }],
    kp: nodeKp,
  }).body;
  await tr('amount above balance: action phase fails, seqno NOT advanced, gas burnt', { body: big });
  await tr('same external accepted again', { body: big });
  await step(E, sc, 'owner send message', {
    from: 'clientOwner',
    to: 'wallet',
    value: T(0.1),
    body: L.hdr(OP.owner_wallet_send_message, 1n)
      .storeUint(1, 8)
      .storeRef(L.nodeIntMsg({ to: E.anyone.address, value: T(0.3) }))
      .endCell(),
  });
  await step(E, sc, 'owner send message by stranger', {
    from: 'anyone',
    to: 'wallet',
    value: T(0.1),
    body: L.hdr(OP.owner_wallet_send_message, 1n)
      .storeUint(1, 8)
      .storeRef(L.nodeIntMsg({ to: E.anyone.address, value: T(0.3) }))
      .endCell(),
  });
  await step(E, sc, 'excesses are accepted from anybody', {
    from: 'anyone',
    to: 'wallet',
    value: T(0.1),
    body: L.hdr(OP.excesses, 1n).endCell(),
  });
  await step(E, sc, 'text b (block)', { from: 'clientOwner', to: 'wallet', value: T(0.1), body: M.text('b') });
  await tr('external while blocked', {
    body: L.walletExt({ seqno: 3, validUntil: T0 + 3600, msgs: m1(), kp: nodeKp }).body,
  });
  await step(E, sc, 'text u (unblock)', { from: 'clientOwner', to: 'wallet', value: T(0.1), body: M.text('u') });
  await step(E, sc, 'text w (withdraw all to owner)', {
    from: 'clientOwner',
    to: 'wallet',
    value: T(0.1),
    body: M.text('w'),
  });
  await step(E, sc, 'text z', { from: 'clientOwner', to: 'wallet', value: T(0.1), body: M.text('z') });
});
scenario('root', async (E, sc) => {
  const mk = (v) =>
    L.rootData({
      struct_version: E.p.struct_version,
      owner: E.rootOwner.address,
      version: 10,
      last_proxy_seqno: 2,
      params: L.rootParams(E.p, E.code),
      registered_proxies: { 2: '127.0.0.1:11001 127.0.0.1:11002' },
      key_manager_public_key: kmKp.publicKey,
      key_manager_image_hash: Buffer.alloc(32, 0xee),
      key_manager_address: '127.0.0.1:13001',
      ...(v || {}),
    });
  E.rootInit = { code: E.code.root, data: mk() };
  E.root = L.core.contractAddress(0, E.rootInit);
  E.labels.set(E.root.toRawString(), 'root');
  const R = (t, body, from = 'rootOwner', value = T(0.1)) => step(E, sc, t, { from, to: 'root', value, body });
  await step(E, sc, 'deploy', { from: 'rootOwner', to: 'root', value: T(0.1), init: E.rootInit });
  const h = (n) => Buffer.alloc(32, n);
  const hop = (op, x) => L.hdr(op, q()).storeBuffer(x, 32).endCell();
  await R('add worker hash by stranger', hop(OP.root_add_worker_type, h(1)), 'anyone');
  await R('add worker hash', hop(OP.root_add_worker_type, h(1)));
  await R('add worker hash again (idempotent, version bumps)', hop(OP.root_add_worker_type, h(1)));
  await R('del worker hash', hop(OP.root_del_worker_type, h(1)));
  await R('del missing worker hash', hop(OP.root_del_worker_type, h(1)));
  await R('add model hash', hop(OP.root_add_model_type, h(2)));
  await R('del model hash', hop(OP.root_del_model_type, h(2)));
  await R('add proxy hash', hop(OP.root_add_proxy_type, h(3)));
  await R('register proxy', L.netAddr(L.hdr(OP.root_register_proxy, q()), '10.0.0.1:5222 10.0.0.1:8888').endCell());
  await R(
    'register proxy bad type bit',
    L.hdr(OP.root_register_proxy, q()).storeBit(1).storeUint(1, 7).storeBuffer(Buffer.from('x')).endCell(),
  );
  await R(
    'register proxy bad length',
    L.hdr(OP.root_register_proxy, q()).storeBit(0).storeUint(5, 7).storeBuffer(Buffer.from('x')).endCell(),
  );
  await R(
    'update proxy',
    L.netAddr(L.hdr(OP.root_update_proxy, q()).storeUint(3, 32), '10.0.0.2:1 10.0.0.2:2').endCell(),
  );
  await R(
    'update missing proxy',
    L.netAddr(L.hdr(OP.root_update_proxy, q()).storeUint(99, 32), '10.0.0.2:1').endCell(),
  );
  await R('unregister proxy', L.hdr(OP.root_unregister_proxy, q()).storeUint(3, 32).endCell());
  await R('change price', L.hdr(OP.root_change_price, q()).storeCoins(30n).storeCoins(28n).endCell());
  await R(
    'change params',
    L.hdr(OP.root_change_params, q())
      .storeCoins(40n)
      .storeCoins(39n)
      .storeUint(600, 32)
      .storeUint(300, 32)
      .storeCoins(T(2))
      .storeCoins(T(3))
      .endCell(),
  );
  await R(
    'upgrade contracts (swap codes)',
    L.hdr(OP.root_upgrade_contracts, q())
      .storeRef(E.code.worker)
      .storeRef(E.code.client)
      .storeRef(E.code.proxy)
      .endCell(),
  );
  await R(
    'change key manager',
    L.netAddr(
      L.hdr(OP.root_change_key_manager, q()).storeBuffer(kmKp.publicKey, 32).storeBuffer(h(0xab), 32),
      '10.0.0.9:13001',
    ).endCell(),
  );
  await R(
    'add public key by owner',
    L.hdr(OP.root_add_public_key, q())
      .storeBuffer(h(0x51), 32)
      .storeUint(1, 8)
      .storeUint(T0 + 100, 32)
      .endCell(),
  );
  await R(
    'add public key expired',
    L.hdr(OP.root_add_public_key, q())
      .storeBuffer(h(0x52), 32)
      .storeUint(1, 8)
      .storeUint(T0 - 1, 32)
      .endCell(),
  );
  {
    const qq = q();
    const p = L.hdr(OP.root_add_public_key_signed, qq)
      .storeBuffer(h(0x53), 32)
      .storeUint(1, 8)
      .storeUint(T0 + 86400, 32)
      .endCell();
    await R(
      'add public key signed, sent by anyone',
      L.wrap(OP.root_add_public_key_signed, qq, E.excessTo.address, L.sign(p, kmKp), p),
      'anyone',
      T(0.4),
    );
    await R(
      'same signed key replayed: accepted again, version bumps',
      L.wrap(OP.root_add_public_key_signed, qq, E.excessTo.address, L.sign(p, kmKp), p),
      'anyone',
      T(0.4),
    );
    await R(
      'add public key signed with wrong key',
      L.wrap(OP.root_add_public_key_signed, qq, E.excessTo.address, L.sign(p, badKp), p),
      'anyone',
      T(0.4),
    );
    E.bc.now = T0 + 200;
    const p2 = L.hdr(OP.root_add_public_key_signed, qq)
      .storeBuffer(h(0x54), 32)
      .storeUint(1, 8)
      .storeUint(T0 + 86400, 32)
      .endCell();
    await R(
      'next signed key prunes expired keys',
      L.wrap(OP.root_add_public_key_signed, qq, E.excessTo.address, L.sign(p2, kmKp), p2),
      'anyone',
      T(0.4),
    );
  }
  await R('reset (clears hash and proxy dictionaries only)', L.hdr(OP.root_reset, q()).endCell());
  await R('unknown op', L.hdr(0x12345678, q()).endCell());
  await R('upgrade code (same code)', L.hdr(OP.root_upgrade, q()).storeRef(E.code.root).endCell());
  await R(
    'upgrade full',
    L.hdr(OP.root_upgrade_full, q())
      .storeRef(mk({ version: 50 }))
      .storeRef(E.code.root)
      .endCell(),
  );
  await R('change owner', L.hdr(OP.root_change_owner, q()).storeAddress(E.anyone.address).endCell());
  await R('old owner rejected', L.hdr(OP.root_reset, q()).endCell());
  for (const g of ['last_proxy_seqno', 'get_cocoon_data', 'get_cur_params']) {
    const r = await E.bc.runGetMethod(E.root, g, []);
    sc.steps.push({
      title: 'get ' + g,
      stack: r.stack.map((x) => (x.type === 'int' ? x.value.toString() : x.type)),
    });
  }
});

// code: {root, proxy, worker, client, wallet}, a code cell each. Returns the scenarios in the shape of behaviour.json.
async function record(code) {
  const recorded = [];
  for (const { name, run, options } of scenarios) {
    const E = await env(code, options);
    const sc = { name, params: J(E.p), steps: [] };
    await run(E, sc);
    recorded.push(sc);
  }
  return recorded;
}

module.exports = { record };
