// Money while machines crash: clients under load, nodes killed with SIGKILL at random moments, then an audit of every
// nanoTON by somebody who shares no code with the nodes.
//
//   COCOON_CRASH_SECONDS   how long nodes are killed (default 45; `make crash MINUTES=5`)
//   COCOON_CRASH_SEED      the same victims in the same order (printed at the start)
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { Chain, readClient, readWorker } from './chain.mjs';
import { audit } from './auditor.mjs';
import { Network, ask, cocoon, until } from './network.mjs';
import { generator } from './random.mjs';
import { parties, settled } from './settling.mjs';

const seconds = Number(process.env.COCOON_CRASH_SECONDS || 45);
const seed = Number(process.env.COCOON_CRASH_SEED || randomInt(2 ** 31));
const kVictims = ['proxy', 'proxy', 'proxy', 'client', 'worker-1', 'worker-2', 'devnet'];  // the proxy keeps the books
const kWorkers = 2;
const kCallers = 4;
const kPause = [1000, 5000];  // ms between kills
const kAnswer = 48;           // tokens at most
// What was answered so shortly before its proxy died may have been in no snapshot yet, and is then charged to nobody.
const kNotYetDurable = 2000;  // ms

const network = new Network({ portBase: 24700, args: ['--workers', String(kWorkers)] });
before(() => network.start());
after(() => network.destroy());

// Resolves at a moment; what happens in between is not waited for but meant: it is the experiment.
const at = (moment) => new Promise((resolve) => setTimeout(resolve, Math.max(0, moment - Date.now())));

// One request, plain or streamed, read to its end: { ok, cost (nanoTON), from, to, status }.
async function request(random) {
  const stream = random() < 0.5;
  const out = { from: Date.now(), ok: false, cost: 0n };
  try {
    const reply = await network.chat(ask(`What is ${Math.floor(random() * 100)} plus ${Math.floor(random() * 100)}?`,
      { stream, max_tokens: kAnswer }), { signal: AbortSignal.timeout(60_000) });
    out.status = reply.status;
    const text = await reply.text();
    if (reply.status === 200) {
      const events = text.split('\n\n').filter((e) => e.startsWith('data: ')).map((e) => e.slice(6));
      const whole = stream ? events.at(-1) === '[DONE]' && JSON.parse(events.at(-2)) : JSON.parse(text);
      out.ok = whole?.usage?.total_cost !== undefined;
      if (out.ok) out.cost = BigInt(whole.usage.total_cost);
    }
  } catch (error) {
    out.error = String(error);  // the client itself was killed, or cut the answer off
  }
  out.to = Date.now();
  return out;
}

async function load(random, stopped, requests) {
  while (!stopped()) {
    const one = await request(random);
    requests.push(one);
    if (!one.ok) await at(Date.now() + 100);
  }
}

// SIGKILLs, one at a time, to whatever runs.
async function kill(random, end, kills) {
  for (;;) {
    const next = Date.now() + kPause[0] + random() * (kPause[1] - kPause[0]);
    const victim = kVictims[Math.floor(random() * kVictims.length)];
    if (next > end) return;
    await at(next);
    if (network.pidsOf(victim).length === 0) continue;  // it is being started again
    network.kill(victim);
    kills.push({ victim, at: Date.now() });
  }
}

// Counters of contracts never go back, whatever is killed. Looks until stopped; gaps while the chain itself is down.
async function watchCounters(addresses, stopped, seen) {
  const last = new Map();
  while (!stopped()) {
    let chain;
    try {
      chain = await Chain.of(network);
      while (!stopped()) {
        const block = await chain.later();
        for (const [name, { address, read }] of Object.entries(addresses)) {
          const { data } = await chain.account(address, block);
          const tokens = data ? read(data).tokens : 0n;
          assert.ok(tokens >= (last.get(name) ?? 0n), `${name}: ${tokens} tokens after ${last.get(name)}`);
          last.set(name, tokens);
          seen.looks += 1;
        }
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      await at(Date.now() + 200);
    } finally {
      chain?.close();
    }
  }
}

const name = `not one nanoTON unexplained after ${seconds} s of SIGKILLs (COCOON_CRASH_SEED=${seed})`;
test(name, { timeout: (seconds + 900) * 1000 }, (t) => crash(t).catch((error) => {
  t.diagnostic(`${network.output}\n${network.logs()}`);
  throw error;
}));

async function crash(t) {
  const random = generator(seed);
  await request(random);
  const { proxy, clients, workers, wallets, price, fee } = await parties(network, kWorkers);
  const counters = Object.fromEntries([
    ...clients.map((address) => [`client contract ${address}`, { address, read: readClient }]),
    ...workers.map((address) => [`worker contract ${address}`, { address, read: readWorker }])]);

  const requests = [];
  const kills = [];
  const seen = { looks: 0 };
  let over = false;
  const end = Date.now() + seconds * 1000;
  const first = await request(random);
  requests.push(first);
  const watching = watchCounters(counters, () => over, seen);
  watching.catch(() => {});  // awaited below
  const callers = Array.from({ length: kCallers }, (_, i) => load(generator(seed + 1 + i), () => Date.now() > end, requests));
  await kill(random, end, kills);
  await Promise.all(callers);
  await network.healthy();
  const last = await until('an answer after all that', async () => {
    const one = await request(random);
    requests.push(one);
    return one.ok && one;
  });
  assert.ok(last.cost > 0n);
  await settled(network, kWorkers);
  over = true;
  await watching;

  const chain = await Chain.of(network);
  try {
    const those = { proxy, clients, workers, wallets };
    const found = await audit(chain, { ...those, price, fee });
    assert.deepEqual(found.problems, [], `seed ${seed}`);
    // An auditor that cannot complain proves nothing.
    const wrong = await audit(chain, { ...those, price: price + 1n, fee });
    assert.ok(wrong.problems.length > 0, 'the auditor believes in another price');

    // What clients received against what they were charged.
    const complete = requests.filter((r) => r.ok);
    const broken = requests.filter((r) => !r.ok);
    const proxyKills = kills.filter((k) => k.victim === 'proxy').map((k) => k.at);
    const forgettable = complete.filter((r) => proxyKills.some((k) => k >= r.from && k <= r.to + kNotYetDurable));
    const total = (list) => list.reduce((sum, r) => sum + r.cost, 0n);
    const dearest = complete.reduce((max, r) => (r.cost > max ? r.cost : max), 0n) + BigInt(kAnswer * 8) * price;
    const warmUp = dearest;  // the request before the count began
    const charged = found.charged * price;
    t.diagnostic(`${kills.length} kills (${kVictims.filter((v, i) => kVictims.indexOf(v) === i).map((v) => `${v} ${kills.filter((k) => k.victim === v).length}`).join(', ')})`);
    t.diagnostic(`${complete.length} requests answered in full, ${broken.length} not; contracts looked at ${seen.looks} times`);
    t.diagnostic(`delivered ${total(complete)} nanoTON, charged ${charged}, of the delivered ${total(forgettable)} not certainly durable`);
    t.diagnostic(`${found.accounts} accounts, ${found.transactions} transactions, ${found.fees} nanoTON of fees, ${found.problems.length} unexplained`);
    assert.ok(charged >= total(complete) - total(forgettable), 'what was surely on disk is charged');
    assert.ok(charged <= total(complete) + BigInt(broken.length) * dearest + warmUp, 'no more is charged than was asked for');
    assert.ok(kills.length > 0 && complete.length > 0 && seen.looks > 0);
  } finally {
    chain.close();
  }

  // The books say the same about themselves.
  const proof = spawnSync(cocoon, ['ledger', 'verify', '--json', '--state', network.state], { encoding: 'utf8' });
  assert.equal(proof.status, 0, proof.stdout + proof.stderr);
  assert.equal(JSON.parse(proof.stdout).proved, true);
}
