// Builders and readers of the cells of the Cocoon ABI, written from its description alone: they share nothing with the
// contracts or the wrappers that they judge.
const core = require('@ton/core');
const { beginCell, Dictionary, contractAddress, storeStateInit } = core;
const cr = require('@ton/crypto');
const OP = {
  excesses: 0x2565934c,
  payout: 0xc59a7cd3,
  do_not_process: 0x9a1247c0,
  root_add_worker_type: 0xe34b1c60,
  root_del_worker_type: 0x8d94a79a,
  root_add_model_type: 0xc146134d,
  root_del_model_type: 0x92b11c18,
  root_add_proxy_type: 0x71860e80,
  root_del_proxy_type: 0x3c41d0b2,
  root_register_proxy: 0x927c7cb5,
  root_unregister_proxy: 0x6d49eaf2,
  root_update_proxy: 0x9c7924ba,
  root_change_price: 0xc52ed8d4,
  root_change_params: 0x022fa189,
  root_upgrade_contracts: 0xa2370f61,
  root_upgrade: 0x11aefd51,
  root_reset: 0x563c1d96,
  root_upgrade_full: 0x4f7c5789,
  root_change_owner: 0xc4a1ae54,
  root_change_key_manager: 0xb01c0fe9,
  root_add_public_key_signed: 0x9e0e1821,
  root_add_public_key: 0x6e5a646a,
  worker_proxy_request: 0x4d725d2c,
  worker_proxy_payout_request: 0x08e7d036,
  client_proxy_request: 0x65448ff4,
  client_proxy_top_up: 0x5cfc6b87,
  client_proxy_register: 0xa35cb580,
  client_proxy_refund_granted: 0xc68ebc7b,
  client_proxy_refund_force: 0xf4c354c9,
  ext_proxy_increase_stake: 0x9713f187,
  ext_proxy_payout_request: 0x7610e6eb,
  owner_proxy_close: 0xb51d5a01,
  ext_proxy_close_request_signed: 0x636a4391,
  ext_proxy_close_complete_request_signed: 0xe511abc7,
  ext_worker_payout_request_signed: 0xa040ad28,
  ext_worker_last_payout_request_signed: 0xf5f26a36,
  owner_worker_register: 0x26ed7f65,
  ext_client_top_up: 0xf172e6c2,
  ext_client_charge_signed: 0xbb63ff93,
  ext_client_grant_refund_signed: 0xefd711e1,
  owner_client_register: 0xc45f9f3b,
  owner_client_change_secret_hash: 0xa9357034,
  owner_client_change_secret_hash_and_top_up: 0x8473b408,
  owner_client_request_refund: 0xfafa6cc1,
  owner_client_increase_stake: 0x6a1f6a60,
  owner_client_withdraw: 0xda068e78,
  owner_wallet_send_message: 0x9c69f376,
  proxy_save_state: 0x53109c0f,
};
const NAME = Object.fromEntries(Object.entries(OP).map(([k, v]) => [v, k]));
const h256 = (x) => (typeof x === 'bigint' ? x : BigInt('0x' + Buffer.from(x).toString('hex')));
function paramsCell(p, codes = {}) {
  const b = beginCell()
    .storeUint(p.struct_version, 8)
    .storeUint(p.params_version, 32)
    .storeUint(p.unique_id, 32)
    .storeBit(p.is_test)
    .storeCoins(p.price_per_token)
    .storeCoins(p.worker_fee_per_token);
  if (p.struct_version >= 3) b.storeUint(p.mult.prompt, 32);
  if (p.struct_version >= 2) b.storeUint(p.mult.cached, 32);
  if (p.struct_version >= 3) b.storeUint(p.mult.completion, 32);
  if (p.struct_version >= 2) b.storeUint(p.mult.reasoning, 32);
  b.storeUint(p.proxy_delay_before_close, 32).storeUint(p.client_delay_before_close, 32);
  if (p.struct_version >= 1) b.storeCoins(p.min_proxy_stake).storeCoins(p.min_client_stake);
  return b
    .storeMaybeRef(codes.proxy ?? null)
    .storeMaybeRef(codes.worker ?? null)
    .storeMaybeRef(codes.client ?? null)
    .endCell();
}
const rootParams = (p, c) => paramsCell(p, c),
  proxyParams = (p, c) => paramsCell(p, { worker: c.worker, client: c.client }),
  leafParams = (p) => paramsCell(p, {});
function netAddr(b, s) {
  return b.storeBit(0).storeUint(Buffer.byteLength(s), 7).storeBuffer(Buffer.from(s));
}
function setDict(keys) {
  const d = Dictionary.empty(Dictionary.Keys.BigUint(256), {
    serialize() {},
    parse() {
      return true;
    },
  });
  for (const k of keys) d.set(h256(k), true);
  return d;
}
function rootData(r) {
  const proxies = Dictionary.empty(Dictionary.Keys.Uint(32), {
    serialize(s, b) {
      netAddr(b, s);
    },
    parse() {},
  });
  for (const [k, v] of Object.entries(r.registered_proxies || {})) proxies.set(Number(k), v);
  const data = beginCell()
    .storeDict(setDict(r.proxy_hashes || []))
    .storeDict(proxies)
    .storeUint(r.last_proxy_seqno, 32)
    .storeDict(setDict(r.worker_hashes || []))
    .storeDict(setDict(r.model_hashes || []))
    .endCell();
  const b = beginCell().storeAddress(r.owner).storeUint(r.version, 32).storeRef(data).storeRef(r.params);
  if (r.struct_version >= 4) {
    const keys = Dictionary.empty(Dictionary.Keys.BigUint(256), {
      serialize(v, bb) {
        bb.storeUint(v.key_type, 8).storeUint(v.expire_at, 32);
      },
      parse() {},
    });
    for (const k of r.public_keys || []) keys.set(h256(k.public_key), k);
    b.storeRef(
      netAddr(
        beginCell()
          .storeDict(keys)
          .storeUint(h256(r.key_manager_public_key ?? 0n), 256)
          .storeUint(h256(r.key_manager_image_hash ?? 0n), 256),
        r.key_manager_address ?? '',
      ).endCell(),
    );
  }
  if (r.struct_version >= 5)
    b.storeRef(
      beginCell()
        .storeDict(setDict(r.verified_proxy_keys || []))
        .storeDict(setDict(r.verified_worker_keys || []))
        .storeDict(setDict(r.verified_key_manager_keys || []))
        .endCell(),
    );
  return b.endCell();
}
const proxyData = ({ owner, pub, root, params, state = 0, balance = 0n, stake = 0n, unlock = 0 }) =>
  beginCell()
    .storeAddress(owner)
    .storeBuffer(pub, 32)
    .storeAddress(root)
    .storeUint(state, 2)
    .storeCoins(balance)
    .storeCoins(stake)
    .storeUint(unlock, 32)
    .storeRef(params)
    .endCell();
const workerData = ({ owner, proxy, pub, params, state = 0, tokens = 0n }) =>
  beginCell()
    .storeAddress(owner)
    .storeAddress(proxy)
    .storeBuffer(pub, 32)
    .storeUint(state, 2)
    .storeUint(tokens, 64)
    .storeRef(params)
    .endCell();
const clientData = ({
  owner,
  proxy,
  pub,
  stake,
  params,
  state = 0,
  balance = 0n,
  tokens = 0n,
  unlock = 0,
  secret = 0n,
}) =>
  beginCell()
    .storeUint(state, 2)
    .storeCoins(balance)
    .storeCoins(stake)
    .storeUint(tokens, 64)
    .storeUint(unlock, 32)
    .storeUint(secret, 256)
    .storeRef(beginCell().storeAddress(owner).storeAddress(proxy).storeBuffer(pub, 32).endCell())
    .storeRef(params)
    .endCell();
const walletData = ({ owner, pub, seqno = 0, subwallet = 0, status = 0 }) =>
  beginCell()
    .storeUint(seqno, 32)
    .storeUint(subwallet, 32)
    .storeBuffer(pub, 32)
    .storeUint(status, 32)
    .storeAddress(owner)
    .endCell();
const stateInit = (code, data) => beginCell().store(storeStateInit({ code, data })).endCell();
const addrOf = (code, data) => contractAddress(0, { code, data });
const hdr = (op, qid) => beginCell().storeUint(op, 32).storeUint(qid, 64);
const inner = (op, qid, tokens, self) => hdr(op, qid).storeUint(tokens, 64).storeAddress(self).endCell();
const innerClose = (op, qid, self) => hdr(op, qid).storeAddress(self).endCell();
const wrap = (op, qid, excessTo, sig, payload) =>
  hdr(op, qid).storeAddress(excessTo).storeBuffer(sig, 64).storeRef(payload).endCell();
const sign = (cell, kp) => cr.sign(cell.hash(), kp.secretKey);
const signedPay = (op, qid, tokens, self, excessTo, kp) => {
  const p = inner(op, qid, tokens, self);
  return wrap(op, qid, excessTo, sign(p, kp), p);
};
const signedClose = (op, qid, self, excessTo, kp) => {
  const p = innerClose(op, qid, self);
  return wrap(op, qid, excessTo, sign(p, kp), p);
};
const M = {
  client_register: (q, nonce, ex) => hdr(OP.owner_client_register, q).storeUint(nonce, 64).storeAddress(ex).endCell(),
  client_change_secret: (q, h, ex) =>
    hdr(OP.owner_client_change_secret_hash, q).storeUint(h256(h), 256).storeAddress(ex).endCell(),
  client_change_secret_top_up: (q, c, h, ex) =>
    hdr(OP.owner_client_change_secret_hash_and_top_up, q)
      .storeCoins(c)
      .storeUint(h256(h), 256)
      .storeAddress(ex)
      .endCell(),
  client_top_up: (q, c, ex) => hdr(OP.ext_client_top_up, q).storeCoins(c).storeAddress(ex).endCell(),
  client_increase_stake: (q, c, ex) => hdr(OP.owner_client_increase_stake, q).storeCoins(c).storeAddress(ex).endCell(),
  client_withdraw: (q, ex) => hdr(OP.owner_client_withdraw, q).storeAddress(ex).endCell(),
  client_request_refund: (q, ex) => hdr(OP.owner_client_request_refund, q).storeAddress(ex).endCell(),
  worker_register: (q, ex) => hdr(OP.owner_worker_register, q).storeAddress(ex).endCell(),
  proxy_payout: (q, ex) => hdr(OP.ext_proxy_payout_request, q).storeAddress(ex).endCell(),
  proxy_increase_stake: (q, c, ex) => hdr(OP.ext_proxy_increase_stake, q).storeCoins(c).storeAddress(ex).endCell(),
  proxy_close: (q, ex) => hdr(OP.owner_proxy_close, q).storeAddress(ex).endCell(),
  save_state: (q, seqno, hash) =>
    hdr(OP.do_not_process, q)
      .storeUint(OP.proxy_save_state, 32)
      .storeInt(seqno, 32)
      .storeUint(h256(hash), 256)
      .endCell(),
  text: (c) => beginCell().storeUint(0, 32).storeUint(c.charCodeAt(0), 8).endCell(),
};
function walletExt({ seqno, validUntil, msgs, kp, subwallet = 0 }) {
  const b = beginCell().storeUint(subwallet, 32).storeUint(validUntil, 32).storeUint(seqno, 32);
  for (const m of msgs) {
    b.storeUint(m.mode, 8);
    b.storeRef(m.cell);
  }
  const un = b.endCell();
  const sig = cr.sign(un.hash(), kp.secretKey);
  return { unsigned: un, body: beginCell().storeBuffer(sig, 64).storeSlice(un.beginParse()).endCell() };
}
// internal message as the node builds it: flags 0x18 (bounceable) without init, 0x10 with init; body always as ref (or empty inline)
function nodeIntMsg({ to, value, body, init }) {
  const b = beginCell()
    .storeUint(init ? 0x10 : 0x18, 6)
    .storeAddress(to)
    .storeCoins(value)
    .storeUint(0, 1 + 4 + 4 + 64 + 32);
  if (init) {
    b.storeBit(1).storeBit(1).storeRef(init);
  } else b.storeBit(0);
  if (body) {
    b.storeBit(1).storeRef(body);
  } else b.storeBit(0);
  return b.endCell();
}
function dec(kind, cell) {
  const s = cell.beginParse();
  const A = (x) => x.loadAddress();
  if (kind === 'proxy') {
    const o = {};
    o.owner = A(s);
    o.pub = s.loadBuffer(32).toString('hex');
    o.root = A(s);
    o.state = s.loadUint(2);
    o.balance = s.loadCoins();
    o.stake = s.loadCoins();
    o.unlock_ts = s.loadUint(32);
    return o;
  }
  if (kind === 'worker') {
    return {
      owner: A(s),
      proxy: A(s),
      pub: s.loadBuffer(32).toString('hex'),
      state: s.loadUint(2),
      tokens: s.loadUintBig(64),
    };
  }
  if (kind === 'client') {
    const o = {
      state: s.loadUint(2),
      balance: s.loadCoins(),
      stake: s.loadCoins(),
      tokens_used: s.loadUintBig(64),
      unlock_ts: s.loadUint(32),
      secret_hash: s.loadUintBig(256).toString(16).padStart(64, '0'),
    };
    return o;
  }
  if (kind === 'wallet') {
    return {
      seqno: s.loadUint(32),
      subwallet: s.loadUint(32),
      pub: s.loadBuffer(32).toString('hex'),
      status: s.loadUint(32),
      owner: A(s),
    };
  }
  if (kind === 'root') {
    const o = { owner: A(s), version: s.loadUint(32) };
    const d = s.loadRef().beginParse();
    const p = s.loadRef().beginParse();
    const ev = {
      serialize() {},
      parse() {
        return 1;
      },
    };
    const k = (x) => x.keys().map((v) => v.toString(16).padStart(64, '0'));
    o.proxy_hashes = k(d.loadDict(Dictionary.Keys.BigUint(256), ev));
    o.registered_proxies = Object.fromEntries([
      ...d.loadDict(Dictionary.Keys.Uint(32), {
        serialize() {},
        parse: (x) => {
          x.loadBit();
          const l = x.loadUint(7);
          return x.loadBuffer(l).toString();
        },
      }),
    ]);
    o.last_proxy_seqno = d.loadUint(32);
    o.worker_hashes = k(d.loadDict(Dictionary.Keys.BigUint(256), ev));
    o.model_hashes = k(d.loadDict(Dictionary.Keys.BigUint(256), ev));
    const sv = p.loadUint(8);
    o.params = {
      struct_version: sv,
      params_version: p.loadUint(32),
      unique_id: p.loadUint(32),
      is_test: p.loadBit(),
      price_per_token: p.loadCoins(),
      worker_fee_per_token: p.loadCoins(),
    };
    const m = { prompt: 10000, cached: 10000, completion: 10000, reasoning: 10000 };
    if (sv >= 3) m.prompt = p.loadUint(32);
    if (sv >= 2) m.cached = p.loadUint(32);
    if (sv >= 3) m.completion = p.loadUint(32);
    if (sv >= 2) m.reasoning = p.loadUint(32);
    o.params.mult = m;
    o.params.proxy_delay_before_close = p.loadUint(32);
    o.params.client_delay_before_close = p.loadUint(32);
    o.params.min_proxy_stake = 1000000000n;
    o.params.min_client_stake = 1000000000n;
    if (sv >= 1) {
      o.params.min_proxy_stake = p.loadCoins();
      o.params.min_client_stake = p.loadCoins();
    }
    for (const n of ['proxy', 'worker', 'client']) {
      const c = p.loadMaybeRef();
      o.params[n + '_code_hash'] = c ? c.hash().toString('hex') : null;
    }
    p.endParse();
    if (sv >= 4) {
      const q = s.loadRef().beginParse();
      o.public_keys = Object.fromEntries(
        [
          ...q.loadDict(Dictionary.Keys.BigUint(256), {
            serialize() {},
            parse: (x) => ({ key_type: x.loadUint(8), expire_at: x.loadUint(32) }),
          }),
        ].map(([a, b]) => [a.toString(16).padStart(64, '0'), b]),
      );
      o.key_manager_public_key = q.loadUintBig(256).toString(16).padStart(64, '0');
      o.key_manager_image_hash = q.loadUintBig(256).toString(16).padStart(64, '0');
      q.loadBit();
      const l = q.loadUint(7);
      o.key_manager_address = q.loadBuffer(l).toString();
      q.endParse();
    }
    if (sv >= 5) {
      const q = s.loadRef().beginParse();
      for (const n of ['proxy', 'worker', 'key_manager'])
        o['verified_' + n + '_keys'] = k(q.loadDict(Dictionary.Keys.BigUint(256), ev));
      q.endParse();
    }
    s.endParse();
    return o;
  }
}
module.exports = {
  core,
  cr,
  OP,
  NAME,
  M,
  h256,
  paramsCell,
  rootParams,
  proxyParams,
  leafParams,
  netAddr,
  rootData,
  proxyData,
  workerData,
  clientData,
  walletData,
  stateInit,
  addrOf,
  hdr,
  inner,
  innerClose,
  wrap,
  sign,
  signedPay,
  signedClose,
  walletExt,
  nodeIntMsg,
  dec,
};
