// A network under mixed load for a long time, before engines that stall, die, cut streams and send garbage. Afterwards
// nothing is left over: no memory, no stream, no reservation; and the books say what callers were told.
//
//   COCOON_SOAK_SECONDS   how long (default 60; `make soak MINUTES=30`)
//   COCOON_SOAK_SEED      the same callers asking the same (printed at the start)
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { audit } from './auditor.mjs';
import { Chain } from './chain.mjs';
import { Network, cocoon, getJson, until } from './network.mjs';
import { generator } from './random.mjs';
import { pages, parties, settled } from './settling.mjs';

const seconds = Number(process.env.COCOON_SOAK_SECONDS || 60);
const seed = Number(process.env.COCOON_SOAK_SEED || randomInt(2 ** 31));
const kCallers = 12;
const kWorkers = 2;
const kTokens = 64;      // of an answer at most, where its kind says nothing else
const kHeaviest = 8;     // adjusted tokens of the dearest token
const kPrompt = 100;     // tokens of a prompt at most, as the engine counts
const kTimeout = 2;      // s, of requests to engines that stall
const kSample = 250;     // ms between looks at the memory
// A node may be larger in the second half than in the first (medians, without the first fifth) by a share and an amount:
// allocators settle late. A leak of one small object a request would be more in half an hour.
const kGrowth = { share: 0.05, bytes: 3 << 20 };
// The chain keeps its newest blocks in memory and writes their history to disk, so it is not among these.
const kNodes = ['client', 'proxy', 'worker-1', 'worker-2', 'engine'];

const network = new Network({ portBase: 25600, args: ['--fixture-engine', '--model-name', 'fixture', '--workers', String(kWorkers)] });
before(() => network.start());
after(() => network.destroy());

const any = (random, list) => list[Math.floor(random() * list.length)];

// --- what callers ask

const chat = (more = {}) => ['/v1/chat/completions',
  { model: 'fixture', max_tokens: kTokens, messages: [{ role: 'user', content: 'Hello' }], ...more }];
const fixture = (mode, more = {}) => chat({ timeout: kTimeout, fixture: { mode, ...more.fixture }, ...more });
const tool = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } };

function form() {
  const out = new FormData();
  out.set('model', 'fixture');
  out.set('file', new Blob([new Uint8Array(2000)]), 'speech.wav');
  return ['/v1/audio/transcriptions', out];
}

// Name, how often, the request; whether a whole answer with its cost must come of it.
const kKinds = [
  ['chat', 6, () => chat(), true],
  ['stream', 6, () => chat({ stream: true }), true],
  ['stream with usage', 3, () => chat({ stream: true, stream_options: { include_usage: true } }), true],
  ['slow stream', 2, () => chat({ stream: true, fixture: { mode: 'slow', chunks: 20, delay_ms: 10 } }), true],
  ['long answer', 1, () => chat({ max_tokens: 20_000, fixture: { mode: 'echo' }, messages: [{ role: 'user', content: 'x'.repeat(200_000) }] }), true],
  ['tools', 2, () => chat({ tools: [tool] }), true],
  ['tools streamed', 2, () => chat({ tools: [tool], stream: true }), true],
  ['completion', 2, () => ['/v1/completions', { model: 'fixture', prompt: 'Hello', max_tokens: kTokens }], true],
  ['embeddings', 3, () => ['/v1/embeddings', { model: 'fixture', input: ['one', 'two'] }], true],
  ['transcription', 1, form, false],
  ['responses', 2, () => ['/v1/responses', { model: 'fixture', input: 'Hello', max_output_tokens: kTokens, stream: true }], true],
  ['messages', 2, () => ['/v1/messages', { model: 'fixture', max_tokens: kTokens, messages: [{ role: 'user', content: 'Hello' }], stream: true }], true],
  ['malformed', 1, () => ['/v1/chat/completions', '{"model":'], false],
  ['unknown model', 1, () => chat({ model: 'nothing' }), false],
  ...['stall', 'stall-mid', 'die', 'die-mid', 'half-json', 'garbage', 'error', 'flat-error', 'plain-error', 'no-usage', 'huge-usage']
    .flatMap((mode) => [[mode, 0.4, () => fixture(mode), false], [`${mode} streamed`, 0.4, () => fixture(mode, { stream: true }), false]]),
];
// A caller that leaves after so many bytes, or at once.
const abandoned = (random) => chat({ stream: true, max_tokens: 1000, fixture: { chunks: 1000, delay_ms: 2, mode: any(random, ['slow', 'stall']) } });
const kAbandoned = 3;

function choose(random) {
  const total = kKinds.reduce((sum, [, weight]) => sum + weight, kAbandoned);
  let at = random() * total;
  for (const [name, weight, make, whole] of kKinds) {
    if (at < weight) return { name, request: make(), whole };
    at -= weight;
  }
  return { name: 'abandoned', request: abandoned(random), whole: false, leaves: Math.floor(random() * 3000) };
}

// --- what they get

// nanoTON, from the usage of an answer that is whole; nothing where it is not.
function costIn(type, text) {
  const costOf = (object) => (object?.usage ?? object?.response?.usage)?.total_cost;
  try {
    if (!type.startsWith('text/event-stream')) return costOf(JSON.parse(text));
    const events = text.split('\n\n').flatMap((e) => e.split('\n')).filter((l) => l.startsWith('data: ')).map((l) => l.slice(6));
    const ended = events.some((e) => e === '[DONE]' || e.includes('"type":"response.completed"') || e.includes('"type":"message_stop"'));
    if (!ended || text.includes('"error":{')) return undefined;
    return events.filter((e) => e !== '[DONE]').map((e) => costOf(JSON.parse(e))).filter((c) => c !== undefined).at(-1);
  } catch {
    return undefined;
  }
}

async function read(reply, leaves) {
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of reply.body) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > leaves) break;  // leaves the loop, and with it the connection
  }
  return text;
}

async function ask({ name, request: [path, body], leaves }) {
  const isForm = body instanceof FormData;
  const out = { name, tokens: isForm || typeof body === 'string' ? kTokens : Number(body.max_tokens ?? kTokens), cost: undefined };
  const honest = body.fixture?.mode !== 'huge-usage';  // an engine's lie: the proxy charges what was reserved
  const patience = new AbortController();
  const bell = setTimeout(() => patience.abort(), leaves === undefined ? 60_000 : 150);
  try {
    const reply = await fetch(`${network.api}${path}`, {
      method: 'POST', signal: patience.signal,
      headers: isForm ? {} : { 'content-type': 'application/json' },
      body: isForm || typeof body === 'string' ? body : JSON.stringify(body),
    });
    out.status = reply.status;
    out.id = reply.headers.get('x-request-id');
    const text = await read(reply, leaves ?? Infinity);
    if (reply.status === 200 && leaves === undefined && honest) out.cost = costIn(reply.headers.get('content-type') ?? '', text);
    if (out.cost === undefined) out.text = text.slice(-300);
  } catch (error) {
    out.error = String(error.cause ?? error);
  } finally {
    clearTimeout(bell);
  }
  return out;
}

async function call(random, stopped, seen) {
  while (!stopped()) {
    const what = choose(random);
    const one = await ask(what);
    seen.count(what, one);
  }
}

// Sums only: a test that watches for leaks keeps nothing of a request itself.
class Seen {
  total = 0;
  complete = 0;
  cost = 0n;
  open = 0n;        // adjusted tokens that answers without a known cost can have at most
  kinds = new Map();
  broken = [];      // answers that had to be whole and were not: the first few

  count({ name, whole }, one) {
    this.total += 1;
    const kind = `${name}: ${one.cost === undefined ? one.status ?? 'left' : 'whole'}`;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    if (one.cost === undefined) {
      if (!(one.status >= 400)) this.open += BigInt(kHeaviest * one.tokens + kPrompt);  // errors cost nothing
      // While a worker rests from an engine that died, there may be none.
      if (whole && one.status !== 502 && this.broken.length < 5) this.broken.push(one);
      return;
    }
    this.complete += 1;
    this.cost += BigInt(one.cost);
  }
}

// --- what nodes need

const pageSize = 4096;
const resident = (pid) => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageSize;
const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

function halves(samples) {
  const settledOnes = samples.slice(Math.floor(samples.length / 5));
  const middle = Math.floor(settledOnes.length / 2);
  return [median(settledOnes.slice(0, middle)), median(settledOnes.slice(middle))];
}

async function watch(pids, stopped, samples) {
  while (!stopped()) {
    for (const [name, pid] of pids) samples.get(name).push(resident(pid));
    await new Promise((resolve) => setTimeout(resolve, kSample));
  }
}

const quiet = () => until('nothing is under way', async () => {
  const { proxy, client, workers } = await pages(network, kWorkers);
  const engine = (await getJson(`http://127.0.0.1:${network.portBase + 3000}/fixture/stats`)).body;
  return client.running === 0 && proxy.status.running_queries === 0 &&
    proxy.clients.every((c) => c.reserved_tokens === 0 && c.running_queries === 0) &&
    proxy.worker_connections.every((w) => w.running_queries === 0) &&
    workers.every((w) => w.running_queries === 0) && engine.running === 0;
}, { seconds: 30 });

const name = `nothing is left over after ${seconds} s of mixed load (COCOON_SOAK_SEED=${seed})`;
test(name, { timeout: (seconds + 900) * 1000 }, (t) => soak(t).catch((error) => {
  t.diagnostic(`${network.output}\n${network.logs()}`);
  throw error;
}));

async function soak(t) {
  const who = await parties(network, kWorkers);
  const pids = new Map(kNodes.map((node) => [node, network.pidsOf(node)[0]]));
  const samples = new Map(kNodes.map((node) => [node, []]));
  const seen = new Seen();
  const end = Date.now() + seconds * 1000;
  const over = () => Date.now() > end;
  const watching = watch(pids, over, samples);
  await Promise.all([watching, ...Array.from({ length: kCallers }, (_, i) => call(generator(seed + i), over, seen))]);
  t.diagnostic(`${seen.total} requests, ${seen.complete} answered in full: ${[...seen.kinds].sort().map(([k, n]) => `${k} ${n}`).join(', ')}`);

  for (const node of kNodes) assert.deepEqual(network.pidsOf(node), [pids.get(node)], `${node} runs on`);
  assert.deepEqual(seen.broken, [], 'what had to be answered in full was');
  assert.ok(seen.complete > seen.total / 2, 'most answers were whole');
  await quiet();

  for (const node of kNodes) {
    const [first, second] = halves(samples.get(node));
    const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
    t.diagnostic(`${node}: ${mib(first)} MiB in the first half, ${mib(second)} in the second, ${descriptors(pids.get(node))} descriptors`);
    assert.ok(second <= first * (1 + kGrowth.share) + kGrowth.bytes, `${node} grows: ${mib(first)} MiB, then ${mib(second)}`);
    assert.ok(descriptors(pids.get(node)) < 200, `${node} keeps ${descriptors(pids.get(node))} descriptors`);
  }
  await settled(network, kWorkers);
  await books(t, who, seen);
}

// What callers were told it costs, and what they were charged.
async function books(t, who, seen) {
  const chain = await Chain.of(network);
  try {
    const found = await audit(chain, who);
    assert.deepEqual(found.problems, [], `seed ${seed}`);
    const charged = found.charged * who.price;
    const most = seen.cost + seen.open * who.price;
    t.diagnostic(`callers were told ${seen.cost} nanoTON, charged were ${charged}, for answers without a known cost at most ${most - seen.cost}`);
    assert.ok(charged >= seen.cost, 'what was delivered in full is charged');
    assert.ok(charged <= most, 'no more is charged than was asked for');
  } finally {
    chain.close();
  }
  const proof = spawnSync(cocoon, ['ledger', 'verify', '--json', '--state', network.state], { encoding: 'utf8' });
  assert.equal(proof.status, 0, proof.stdout + proof.stderr);
  assert.equal(JSON.parse(proof.stdout).proved, true);
}
