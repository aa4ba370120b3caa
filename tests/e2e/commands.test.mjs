// What operators do to running nodes: money commands, their dry runs, the secret, the books.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Chain, parseAddress, readClient, readProxy } from './chain.mjs';
import { Network, ask, cocoon, getJson, until } from './network.mjs';

const kTon = 1_000_000_000n;
const network = new Network({ portBase: 20500 });
let chain;

before(async () => {
  await network.start();
  chain = await Chain.of(network);
});
after(async () => {
  chain?.close();
  await network.destroy();
});

// { status, out, err } of `cocoon ARGS --state ...`.
function command(...args) {
  const { status, stdout, stderr } = spawnSync(cocoon, [...args, '--state', network.state], { encoding: 'utf8', timeout: 400_000 });
  return { status, out: stdout, err: stderr };
}
function json(...args) {
  const { status, out, err } = command(...args, '--json');
  assert.equal(status, 0, out + err);
  return JSON.parse(out);
}

const clientStats = async () => (await getJson(`${network.api}/jsonstats`)).body;
async function contractOnChain() {
  const [contract] = (await clientStats()).proxies;
  return readClient((await chain.account(parseAddress(contract.sc_address), await chain.later())).data);
}
async function walletOnChain() {
  const { wallet } = await clientStats();
  return (await chain.account(parseAddress(wallet.address), await chain.later())).coins;
}

// --- the secret

const secret = () => readFileSync(join(network.state, 'operator.secret'), 'utf8').trim();
const post = (path, authorization, method = 'POST') => fetch(network.api + path, {
  method, headers: authorization ? { authorization } : {}, body: method === 'POST' ? 'dry_run=1' : undefined });

test('the secret is made for its owner only, and asked for', async () => {
  assert.equal(statSync(join(network.state, 'operator.secret')).mode & 0o777, 0o600);
  for (const base of ['topup', 'withdraw', 'close', 'charge', 'stake']) {
    const path = `/request/${base}`;
    assert.equal((await post(path)).status, 401, path);
    assert.equal((await post(path, `Bearer ${'0'.repeat(64)}`)).status, 403, path);
    assert.equal((await post(path, `Bearer ${secret()}`, 'GET')).status, 405, path);
  }
  const planned = await post('/request/topup', `Bearer ${secret()}`);
  assert.equal(planned.status, 200);
  assert.equal((await planned.json()).state, 'planned');
  for (const [url, path] of [[network.proxy, '/request/disable'], [network.worker(), '/request/payout']])
    assert.equal((await fetch(url + path, { method: 'POST' })).status, 401);
});

test('status pages and logs do not tell the secret', async () => {
  for (const url of [network.api, network.proxy, network.worker()])
    for (const page of ['/jsonstats', '/metrics'])
      assert.ok(!(await (await fetch(url + page)).text()).includes(secret()));
  for (const name of ['client', 'proxy', 'worker-1'])
    assert.ok(!readFileSync(join(network.state, `log/${name}.log`), 'utf8').includes(secret()));
});

// --- the client's money

test('what a node proves is seen from outside, and judged again from what another node saw', async () => {
  const attest = (...args) => spawnSync(cocoon, ['attest', ...args, '--json', '--simulated-root',
    join(network.state, 'tee/root/root.pem')], { encoding: 'utf8', timeout: 60_000 });
  const accepted = ({ status, stdout, stderr }) => {
    assert.equal(status, 0, stdout + stderr);
    const verdict = JSON.parse(stdout);
    assert.equal(verdict.accepted, true, stdout);
    return verdict;
  };
  const seen = accepted(attest('show', `127.0.0.1:${network.portBase + 1002}`));
  assert.equal(seen.flags.session_bound, true);

  const page = await (await fetch(`${network.worker()}/attestation`)).text();
  const file = join(network.state, 'attestation.json');
  writeFileSync(file, page);
  const [{ address }] = JSON.parse(page).peers;
  const again = accepted(attest('verify', file, '--peer', address));
  assert.equal(again.flags.session_bound, true);
  assert.equal(again.image_hash, seen.image_hash);
  assert.notEqual(again.report_data, seen.report_data, 'made for another session');

  // The same evidence for another session is none.
  const changed = JSON.parse(page);
  const { session } = changed.peers[0];
  session.exporter = session.exporter.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
  writeFileSync(file, JSON.stringify(changed));
  const refused = attest('verify', file, '--peer', address);
  assert.equal(refused.status, 1);
  assert.equal(JSON.parse(refused.stdout).reason, 'REPORT_DATA_MISMATCH');
  assert.match(attest('verify', file, '--peer', '10.0.0.1:1').stderr, /not about a peer 10\.0\.0\.1:1/);
});

test('a dry run says what a top-up would cost, and changes nothing', async () => {
  const before = [await walletOnChain(), await contractOnChain()];
  const plan = json('client', 'topup', '--amount', '3', '--dry-run');
  assert.equal(plan.state, 'planned');
  const [message] = plan.messages;
  assert.equal(message.operation, 'client_top_up');
  assert.equal(BigInt(message.moved_nano), 3n * kTon);
  assert.equal(message.attached_nano, message.moved_nano + message.fees_nano + message.comes_back_nano);
  assert.ok(message.comes_back_nano > 0 && message.fees_nano > 0);
  assert.deepEqual([await walletOnChain(), await contractOnChain()], before);
  assert.match(command('client', 'topup', '--amount', '3', '--dry-run').out, /Dry run: nothing is sent/);
});

test('a top-up arrives, and costs what the dry run said', async () => {
  const plan = json('client', 'topup', '--amount', '3', '--dry-run');
  const [wallet, contract] = [await walletOnChain(), await contractOnChain()];
  const done = json('client', 'topup', '--amount', '3');
  assert.equal(done.state, 'done', JSON.stringify(done));
  assert.equal((await contractOnChain()).balance - contract.balance, 3n * kTon);
  // The rest comes back some blocks later.
  const cost = await until('the excesses', async () => {
    const spent = wallet - await walletOnChain() - 3n * kTon;
    return spent < kTon / 10n && spent;
  });
  // What the wallet's own transaction burns comes on top of the operation's fees.
  assert.ok(cost > 0n && cost <= BigInt(plan.totals.fees_nano) + kTon / 100n, `${cost} nanoTON, planned ${plan.totals.fees_nano}`);
});

test('what lies above the stake can be withdrawn, once', async () => {
  const wallet = await walletOnChain();
  const plan = json('client', 'withdraw', '--dry-run');
  const done = json('client', 'withdraw');
  assert.equal(done.state, 'done', JSON.stringify(done));
  const contract = await contractOnChain();
  assert.equal(contract.balance, contract.stake);
  await until('the coins in the wallet', async () => (await walletOnChain()) - wallet > BigInt(plan.totals.arrives_nano) - kTon / 10n);
  const again = command('client', 'withdraw');
  assert.equal(again.status, 1);
  assert.match(again.err, /not more than its stake/);
});

test('the stake can be raised, not lowered', async () => {
  const { stake } = await contractOnChain();
  const more = Number(stake / kTon) + 1;
  assert.equal(json('client', 'stake', '--amount', String(more)).state, 'done');
  assert.equal((await contractOnChain()).stake, BigInt(more) * kTon);
  const less = command('client', 'stake', '--amount', '1');
  assert.equal(less.status, 1);
  assert.match(less.err, /can only grow/);
});

test('orders that make no sense are refused with the reason', async () => {
  const cases = [
    [1, /amount in TON/, 'client', 'topup', '--amount', 'much'],
    [1, /more than nothing/, 'client', 'topup', '--amount', '0'],
    [2, /--amount/, 'client', 'stake'],
    [2, /nearest known one is "--amount"/, 'client', 'topup', '--amout', '1'],
    [2, /nearest known one is "topup"/, 'client', 'topop'],
    [1, /address/, 'client', 'topup', '--proxy', 'nobody'],
    [1, /no contract at/, 'client', 'topup', '--proxy', `0:${'1'.repeat(64)}`],
    [1, /cannot be undone.*--yes/, 'client', 'close'],
    [1, /TON/, 'client', 'topup', '--amount', '100000000'],
  ];
  for (const [status, why, ...args] of cases) {
    const end = command(...args);
    assert.equal(end.status, status, `${args.join(' ')}: ${end.err}`);
    assert.match(end.err, why);
  }
  const refused = command('client', 'topup', '--proxy', `0:${'1'.repeat(64)}`, '--json');
  assert.equal(refused.status, 1);
  assert.equal(JSON.parse(refused.out).state, 'refused');
});

test('a node that does not run, a directory that is none', () => {
  const nowhere = spawnSync(cocoon, ['client', 'topup', '--state', join(network.state, 'log')], { encoding: 'utf8' });
  assert.equal(nowhere.status, 1);
  assert.match(nowhere.stderr, /there is no .*client\.toml: --state names the directory/);
  const silent = spawnSync(cocoon, ['worker', 'payout', '--number', '2', '--state', network.state], { encoding: 'utf8' });
  assert.equal(silent.status, 1);
  assert.match(silent.stderr, /there is no .*worker-2\.toml/);
});

// --- worker and proxy

test('a worker says what a payout of its own would bring, or why there is none', async () => {
  await (await network.chat(ask('Hello'))).json();
  const end = command('worker', 'payout', '--dry-run', '--json');
  const reply = JSON.parse(end.out);
  if (end.status === 0) assert.equal(reply.messages[0].operation, 'worker_payout_signed');
  else assert.ok(reply.error.message.length > 0);  // the proxy was quicker
});

test('a proxy leaves service and rejoins it', async () => {
  assert.equal(command('proxy', 'disable').status, 0);
  await until('the client notices', async () => !(await fetch(`${network.api}/health`)).ok);
  const reply = await network.chat(ask('Hello'));
  assert.equal(reply.status, 503);
  assert.equal(command('proxy', 'enable').status, 0);
  await network.healthy();
  assert.equal((await network.chat(ask('Hello'))).status, 200);
});

test('a proxy puts up more stake and takes its commission home', async () => {
  const address = parseAddress((await getJson(`${network.proxy}/jsonstats`)).body.smartcontract.address);
  const onChain = async () => readProxy((await chain.account(address, await chain.later())).data);
  const before = await onChain();
  assert.equal(json('proxy', 'stake', '--amount', '2').state, 'done');
  assert.equal((await onChain()).stake - before.stake, 2n * kTon);

  await until('it is all paid', async () => {
    const { clients, workers } = (await getJson(`${network.proxy}/jsonstats`)).body;
    return clients.every((c) => c.used_tokens === c.charged_tokens) && workers.every((w) => w.earned_tokens === w.paid_tokens);
  });
  const { commission } = await onChain();
  const plan = await until('the proxy has seen it', () => {
    const planned = json('proxy', 'withdraw', '--dry-run');
    return BigInt(planned.totals.arrives_nano) === commission && planned;
  });
  assert.equal(parseAddress(plan.messages[0].arrives_at).toRawString(), before.owner.toRawString());
  assert.equal(json('proxy', 'withdraw').state, 'done');
  assert.equal((await onChain()).commission, 0n);
  assert.match(command('proxy', 'withdraw').err, /holds no commission/);
});

test('charges and payouts on demand, or the reason why there is nothing to do', async () => {
  await (await network.chat(ask('Hello'))).json();
  for (const [order, nothing] of [['charge', /no client has tokens/], ['payout', /no worker has tokens/]]) {
    const end = command('proxy', order, '--json');
    const reply = JSON.parse(end.out);
    if (end.status === 0) assert.equal(reply.state, 'done');
    else assert.match(reply.error.message, nothing);  // it charges and pays by itself, here at every token
  }
});

test('what retiring a proxy would cost and bring, everybody named; nothing is done without --yes', () => {
  const { messages, note } = json('proxy', 'retire', '--dry-run');
  const operations = messages.map((m) => m.operation);
  assert.equal(operations[0], 'proxy_close_request_signed');
  assert.ok(operations.includes('client_grant_refund_signed'));
  assert.equal(operations.at(-1), 'proxy_close_complete_signed');
  assert.match(note, /600 s/);
  const end = command('proxy', 'retire');
  assert.equal(end.status, 1);
  assert.match(end.err, /cannot be undone/);
});

// --- the books

test('the books are shown and proved beside the running proxy', async () => {
  const { usage } = await (await network.chat(ask('What is the capital of France?'))).json();
  assert.ok(usage.total_cost > 0);
  const { clients } = (await getJson(`${network.proxy}/jsonstats`)).body;
  const books = await until('the snapshot', () => {
    const shown = json('ledger', 'show');
    return shown.clients[0].used_tokens >= clients[0].used_tokens && shown;
  });
  assert.equal(books.sealed, true);
  assert.equal(books.clients[0].used_tokens, books.workers[0].earned_tokens);
  const proof = json('ledger', 'verify');
  assert.equal(proof.proved, true);
  assert.deepEqual(proof.checks.map((c) => c.check), ['seal', 'commit', 'conservation', 'solvency']);
  assert.deepEqual(proof.accounts.map((a) => a.role), ['client', 'worker']);
  assert.match(command('ledger', 'verify').out, /the books are proved by the chain/);
  assert.match(command('ledger', 'show').out, /clients, in adjusted tokens/);
});

// --- wallet and root

test('wallets are shown with their queue, and send', async () => {
  for (const [node, url] of [['client', network.api], ['proxy', network.proxy], ['worker', network.worker()]]) {
    const shown = json('wallet', 'show', '--node', node);
    assert.equal(shown.address, (await getJson(`${url}/jsonstats`)).body.wallet.address);
    assert.equal(shown.node_running, true);
    assert.equal(typeof shown.pending, 'number');
  }
  const { owner } = json('root', 'show');
  const before = (await chain.account(parseAddress(owner), await chain.later())).coins;
  assert.equal(json('wallet', 'send', '--to', owner, '--amount', '1.5', '--dry-run').state, 'planned');
  assert.equal(json('wallet', 'send', '--to', owner, '--amount', '1.5').state, 'done');
  // Less what the receiving wallet's transaction burns.
  await until('the coins', async () => (await chain.account(parseAddress(owner), await chain.later())).coins - before > 3n * kTon / 2n - kTon / 100n);
  const tooMuch = command('wallet', 'send', '--to', owner, '--amount', '999999999');
  assert.equal(tooMuch.status, 1);
  const running = command('wallet', 'rotate');
  assert.equal(running.status, 1);
  assert.match(running.err, /the node runs/);
});

// --- the end: what cannot be undone

test('a client contract is closed, and everything comes back', { timeout: 300_000 }, async () => {
  const wallet = await walletOnChain();
  const { balance } = await contractOnChain();
  assert.equal(json('client', 'close', '--dry-run').messages[0].operation, 'client_request_refund');
  const done = json('client', 'close', '--yes', '--wait', '240');
  assert.equal(done.state, 'done', JSON.stringify(done));
  const contract = await contractOnChain();
  assert.deepEqual([contract.state, contract.balance], [2, 0n]);
  await until('the refund', async () => (await walletOnChain()) - wallet > balance - kTon / 5n);
});

// The chain runs, and no node.
async function withChainAlone(use) {
  chain?.close();
  chain = undefined;
  await network.stop();
  const devnet = spawn(cocoon, ['devnet', '--config', join(network.state, 'devnet.toml')], { stdio: 'ignore' });
  const ended = new Promise((resolve) => devnet.on('exit', resolve));
  try {
    (await until('the chain', () => Chain.of(network).catch(() => undefined))).close();
    await use();
  } finally {
    devnet.kill('SIGTERM');
    await ended;
  }
}

const books = (to, from) => {
  for (const end of ['', '-wal', '-shm']) {
    rmSync(to + end, { force: true });
    if (existsSync(from + end)) copyFileSync(from + end, to + end);
  }
};

test('a stopped node gets a wallet with a new key and all that the old one held', { timeout: 300_000 }, async () => {
  const old = json('wallet', 'show');
  await withChainAlone(() => {
    assert.equal(json('ledger', 'verify').proved, true);
    assert.equal(json('wallet', 'rotate', '--dry-run').state, 'planned');
    assert.equal(json('wallet', 'show').address, old.address);
    const rotated = json('wallet', 'rotate');
    assert.equal(rotated.from, old.address);
    assert.equal(statSync(rotated.old_key_file).mode & 0o777, 0o600);
    const now = json('wallet', 'show');
    assert.equal(now.address, rotated.to);
    assert.notEqual(now.address, old.address);
    assert.equal(now.owner, old.owner);
    assert.ok(now.balance_nano > old.balance_nano - Number(kTon) / 10);
    assert.equal(now.deployed, true);
    assert.equal(now.node_running, false);
    // The proxy's too: its next commits come from another wallet.
    assert.equal(json('wallet', 'rotate', '--node', 'proxy').state, 'done');
    books(join(network.state, 'old.sqlite'), join(network.state, 'proxy.sqlite'));
  });
  network.output = '';
  await network.start();
  assert.equal((await clientStats()).wallet.address, json('wallet', 'show').address);
  assert.equal((await network.chat(ask('Hello'))).status, 200);
  await until('the proof', () => command('ledger', 'verify').status === 0);
});

test('an old copy of the books is known by the chain', { timeout: 300_000 }, async () => {
  await until('it is paid', async () => {
    const { workers } = (await getJson(`${network.proxy}/jsonstats`)).body;
    return workers.every((w) => w.earned_tokens === w.paid_tokens);
  });
  await withChainAlone(() => {
    const file = join(network.state, 'proxy.sqlite');
    books(join(network.state, 'new.sqlite'), file);
    books(file, join(network.state, 'old.sqlite'));
    const end = command('ledger', 'verify', '--json');
    assert.equal(end.status, 3, end.out + end.err);
    const { proved, checks, accounts } = JSON.parse(end.out);
    assert.equal(proved, false);
    assert.match(checks.find((c) => c.check === 'commit').finding, /is on chain/);
    assert.ok(accounts.some((a) => /older copy/.test(a.problem)));
    books(file, join(network.state, 'new.sqlite'));
    assert.equal(json('ledger', 'verify').proved, true);
  });
});
