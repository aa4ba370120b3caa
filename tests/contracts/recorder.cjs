// Runs messages against contracts in the sandbox and writes down what they did, with labels in place of addresses.
const L = require('./abi.cjs');
const { Cell, Address, toNano } = L.core;
const { OP, M, NAME } = L;
const { Blockchain, internal } = require('@ton/sandbox');
const T = (x) => toNano(String(x));
const proxyKp = L.cr.keyPairFromSeed(Buffer.alloc(32, 0x11)),
  nodeKp = L.cr.keyPairFromSeed(Buffer.alloc(32, 0x22)),
  badKp = L.cr.keyPairFromSeed(Buffer.alloc(32, 0x33)),
  kmKp = L.cr.keyPairFromSeed(Buffer.alloc(32, 0x44));
// Block time at the start of every scenario.
const T0 = 1800000000;
// Terms of the recorded network; amounts in nanoTON.
const P4 = {
  struct_version: 4,
  params_version: 17,
  unique_id: 239,
  is_test: true,
  price_per_token: 20n,
  worker_fee_per_token: 19n,
  mult: { prompt: 10000, cached: 1000, completion: 80000, reasoning: 80000 },
  proxy_delay_before_close: 86400,
  client_delay_before_close: 43200,
  min_proxy_stake: T(15),
  min_client_stake: T(15),
};
// A fresh chain with the contracts' addresses worked out and a label for each.
async function env(code, opts = {}) {
  const bc = await Blockchain.create({ config: 'slim' });
  bc.now = T0;
  const E = { bc, code, labels: new Map() };
  for (const n of ['rootOwner', 'proxyOwner', 'proxyNode', 'clientOwner', 'workerOwner', 'anyone', 'excessTo']) {
    const t = await bc.treasury(n);
    E[n] = t;
    E.labels.set(t.address.toRawString(), n);
  }
  const p = { ...P4, ...(opts.params || {}) };
  E.p = p;
  E.rootAddr = Address.parseRaw('0:' + 'aa'.repeat(32));
  E.labels.set(E.rootAddr.toRawString(), 'root');
  E.proxyInit = {
    code: code.proxy,
    data: L.proxyData({
      owner: E.proxyOwner.address,
      pub: proxyKp.publicKey,
      root: E.rootAddr,
      params: L.proxyParams(p, code),
    }),
  };
  E.proxy = L.core.contractAddress(0, E.proxyInit);
  E.labels.set(E.proxy.toRawString(), 'proxy');
  E.clientInit = {
    code: code.client,
    data: L.clientData({
      owner: E.clientOwner.address,
      proxy: E.proxy,
      pub: proxyKp.publicKey,
      stake: p.min_client_stake,
      params: L.leafParams(p),
    }),
  };
  E.client = L.core.contractAddress(0, E.clientInit);
  E.labels.set(E.client.toRawString(), 'client');
  E.workerInit = {
    code: code.worker,
    data: L.workerData({
      owner: E.workerOwner.address,
      proxy: E.proxy,
      pub: proxyKp.publicKey,
      params: L.leafParams(p),
    }),
  };
  E.worker = L.core.contractAddress(0, E.workerInit);
  E.labels.set(E.worker.toRawString(), 'worker');
  E.kinds = { proxy: 'proxy', client: 'client', worker: 'worker', wallet: 'wallet', root: 'root' };
  return E;
}
const lab = (E, a) => (a ? E.labels.get(a.toRawString()) || a.toRawString() : null);
const J = (o) =>
  JSON.parse(
    JSON.stringify(o, (k, v) =>
      typeof v === 'bigint' ? v.toString() : v instanceof Address ? '@' + v.toRawString() : v,
    ),
  );
function relabel(E, o) {
  return JSON.parse(
    JSON.stringify(o, (k, v) =>
      typeof v === 'string' && v.startsWith('@') ? lab(E, Address.parseRaw(v.slice(1))) : v,
    ),
  );
}
async function stateOf(E, name) {
  const a = E[name];
  const acc = await E.bc.getContract(a);
  const st = acc.accountState;
  if (!st || st.type !== 'active') return { status: st?.type ?? 'none', balance: acc.balance.toString() };
  return relabel(E, J({ status: 'active', balance: acc.balance, data: L.dec(E.kinds[name], st.state.data) }));
}
function bodyInfo(c) {
  const s = c.beginParse();
  const r = {};
  if (s.remainingBits >= 32) {
    const op = s.loadUint(32);
    r.op = '0x' + op.toString(16).padStart(8, '0');
    r.name = op >= 0xfffffffe ? 'bounced' : op === 0 ? 'text' : NAME[op] || '?';
  } else r.name = 'empty';
  return r;
}
function fillPayload(E, c) {
  // decode known proxy requests
  const s = c.beginParse();
  if (s.remainingBits < 96) return undefined;
  const op = s.loadUint(32);
  const qid = s.loadUintBig(64);
  if (op === OP.client_proxy_request) {
    const o = { qid, owner: s.loadAddress() };
    const d = s.loadRef().beginParse();
    o.state = {
      state: d.loadUint(2),
      balance: d.loadCoins(),
      stake: d.loadCoins(),
      tokens_used: d.loadUintBig(64),
      secret_hash: d.loadUintBig(256).toString(16).padStart(64, '0'),
    };
    d.endParse();
    const p = s.loadMaybeRef();
    if (p) {
      const q = p.beginParse();
      const po = q.loadUint(32);
      o.payload = { op: NAME[po] };
      if (po === OP.client_proxy_register) {
        if (q.remainingBits >= 64) o.payload.nonce = q.loadUintBig(64);
      } else {
        o.payload.coins = q.loadCoins();
        o.payload.send_excesses_to = q.loadAddress();
      }
      q.endParse();
    }
    s.endParse();
    return relabel(E, J(o));
  }
  if (op === OP.worker_proxy_request) {
    const o = { qid, owner: s.loadAddress(), state: s.loadUint(2), tokens: s.loadUintBig(64) };
    const p = s.loadMaybeRef();
    if (p) {
      const q = p.beginParse();
      o.payload = {
        op: NAME[q.loadUint(32)],
        worker_part: q.loadCoins(),
        proxy_part: q.loadCoins(),
        send_excesses_to: q.loadAddress(),
      };
      q.endParse();
    }
    s.endParse();
    return relabel(E, J(o));
  }
  if (op === OP.payout || op === OP.excesses) return { qid: qid.toString() };
}
function txInfo(E, tx, name) {
  const d = tx.description;
  const im = tx.inMessage;
  const r = {
    account: name,
    in: {
      from: im.info.type === 'internal' ? lab(E, im.info.src) : 'external',
      value: im.info.type === 'internal' ? im.info.value.coins.toString() : undefined,
      bounced: im.info.type === 'internal' ? im.info.bounced : undefined,
      ...bodyInfo(im.body),
    },
  };
  const cp = d.computePhase;
  if (cp?.type === 'vm') {
    r.compute = { success: cp.success, exit: cp.exitCode, gas: cp.gasUsed.toString() };
  } else r.compute = { skipped: cp?.reason };
  if (d.actionPhase) r.action = { success: d.actionPhase.success, code: d.actionPhase.resultCode };
  r.aborted = d.aborted;
  if (d.bouncePhase) r.bounce = d.bouncePhase.type;
  r.fee = tx.totalFees.coins.toString();
  r.out = [...tx.outMessages.values()].map((m) =>
    m.info.type === 'internal'
      ? {
          to: lab(E, m.info.dest),
          value: m.info.value.coins.toString(),
          bounce_flag: m.info.bounce,
          bounced: m.info.bounced,
          ...bodyInfo(m.body),
          decoded: fillPayload(E, m.body),
        }
      : { ext: true },
  );
  return r;
}
const KN = ['proxy', 'client', 'worker', 'wallet', 'root'];
// Sends one message and writes down what every transaction that follows did. send: {from,to,value,body,init,bounce}
// or {ext: external message}.
async function step(E, sc, title, send) {
  let res;
  if (send.ext) {
    res = await E.bc.sendMessage(send.ext);
  } else {
    const from = E[send.from].address;
    const to = E[send.to].address ?? E[send.to];
    res = await E.bc.sendMessage(
      internal({
        from,
        to,
        value: send.value,
        body: send.body ?? Cell.EMPTY,
        stateInit: send.init,
        bounce: send.bounce ?? !send.init,
      }),
    );
  }
  const txs = [];
  for (const tx of res.transactions) {
    const a = Address.parseRaw('0:' + tx.address.toString(16).padStart(64, '0'));
    const n = lab(E, a);
    if (KN.includes(n)) txs.push(txInfo(E, tx, n));
    else {
      const im = tx.inMessage;
      if (im?.info.type === 'internal')
        txs.push({
          account: n,
          received: { from: lab(E, im.info.src), value: im.info.value.coins.toString(), name: bodyInfo(im.body).name },
        });
    }
  }
  const st = {};
  for (const n of KN) if (E[n]) st[n] = await stateOf(E, n);
  const s = {
    title,
    send: send.ext
      ? { external: true }
      : {
          from: send.from,
          to: send.to,
          value: send.value.toString(),
          with_init: !!send.init,
          body: bodyInfo(send.body ?? Cell.EMPTY),
        },
    transactions: txs,
    after: st,
  };
  sc.steps.push(s);
  return s;
}
const q = (() => {
  let n = 1000n;
  return () => ++n;
})();
async function deployed(E, sc, { stake = 0n } = {}) {
  await step(E, sc, 'deploy proxy (StateInit, empty body, 0.3 TON, bounce off)', {
    from: 'proxyNode',
    to: 'proxy',
    value: T(0.3),
    init: E.proxyInit,
  });
  await step(E, sc, 'deploy client (StateInit, empty body, 0.8 TON)', {
    from: 'clientOwner',
    to: 'client',
    value: T(0.8),
    init: E.clientInit,
  });
  await step(E, sc, 'deploy worker (StateInit, empty body, 0.3 TON)', {
    from: 'proxyNode',
    to: 'worker',
    value: T(0.3),
    init: E.workerInit,
  });
  if (stake > 0n)
    await step(E, sc, 'proxy increase stake', {
      from: 'proxyOwner',
      to: 'proxy',
      value: stake + T(0.2),
      body: M.proxy_increase_stake(q(), stake, E.excessTo.address),
    });
}
const topup = (E, sc, c, from = 'clientOwner') =>
  step(E, sc, `client top up ${c}`, {
    from,
    to: 'client',
    value: c + T(0.7),
    body: M.client_top_up(q(), c, E.excessTo.address),
  });

module.exports = { L, T, T0, KN, env, step, deployed, topup, q, J, keys: { proxyKp, nodeKp, badKp, kmKp } };
