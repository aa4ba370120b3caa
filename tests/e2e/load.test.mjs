// Ten times as many requests as can be served: what is refused is refused soon and says when to come again, what is
// admitted is served as fast as ever, and when it is over, it is over.
//
//   COCOON_LOAD_SECONDS   how long (default 8)
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Network, cocoon, getJson, until } from './network.mjs';

const seconds = Number(process.env.COCOON_LOAD_SECONDS || 8);
const generator = join(dirname(cocoon), 'cocoon_load');
const kSlots = 8;      // requests that the worker runs at once
const kDelay = 100;    // ms that each takes
const kTimeout = 15;   // s that callers wait at most
const kTimes = 10;     // as many requests as can be served
const kKept = 0.8;     // of the throughput, at least
// Waiting requests of one client, in the time that serving them takes (proxy.max_waiting_per_client), and some room.
const kPatience = 8;   // s

const network = new Network({ portBase: 23800, args: ['--fixture-engine', '--model-name', 'fixture'] });

const body = JSON.stringify({
  model: 'fixture', max_tokens: 64, timeout: kTimeout, messages: [{ role: 'user', content: 'Hello' }],
  fixture: { mode: 'slow', delay_ms: kDelay },
});

async function load(options) {
  const words = Object.entries({ port: network.portBase, body, ...options }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return JSON.parse((await promisify(execFile)(generator, words)).stdout);
}

// The worker starts again with few slots: what is to be overrun is the network's capacity, not this machine.
async function limitWorker() {
  const file = join(network.state, 'worker-1.toml');
  const text = readFileSync(file, 'utf8');
  const limited = text.replace(/max_active_requests = \d+/, `max_active_requests = ${kSlots}`);
  assert.notEqual(limited, text);
  writeFileSync(file, limited);
  await network.restarted('worker-1', network.kill('worker-1'));
  await until('the worker is back with its limit', async () => {
    const { body: list } = await getJson(`${network.api}/v1/models`);
    return list.data?.[0]?.capacity.max_running === kSlots;
  });
}

before(async () => {
  await network.start();
  await limitWorker();
});
after(() => network.destroy());

test(`${kTimes} times as many requests as can be served, for ${seconds} s`, { timeout: (seconds + 240) * 1000 }, async (t) => {
  const most = await load({ connections: 2 * kSlots, seconds: Math.min(seconds, 6) });
  assert.deepEqual(Object.keys(most.statuses), ['200']);

  const rate = kTimes * most.ok_per_second;
  const over = await load({ connections: 4000, rate, seconds });
  const after = await load({ connections: 2 * kSlots, seconds: 3 });
  t.diagnostic(`served at most ${most.ok_per_second} a second; of ${rate.toFixed(0)} a second ${over.ok_per_second}; afterwards ${after.ok_per_second}`);
  t.diagnostic(`statuses ${JSON.stringify(over.statuses)}, seconds at most ${JSON.stringify(over.seconds_to)}`);

  const answered = Object.values(over.statuses).reduce((sum, n) => sum + n, 0);
  const refused = answered - over.statuses[200];
  assert.equal(over.errors, refused, 'no connection broke');
  assert.equal(over.unsent, 0);
  assert.ok(answered >= 0.98 * rate * seconds, 'every request has an answer');
  assert.ok(refused > 0.8 * answered, 'most were refused');
  assert.equal(over.no_retry_after, 0, 'each refusal says when to come again');
  for (const [status, longest] of Object.entries(over.seconds_to))
    assert.ok(longest < kPatience && longest < kTimeout, `status ${status} took up to ${longest} s`);
  assert.ok(over.ok_per_second > kKept * most.ok_per_second, 'the throughput of what was admitted');
  assert.ok(after.ok_per_second > kKept * most.ok_per_second && Object.keys(after.statuses).length === 1, 'it is over at once');

  const { body: proxy } = await getJson(`${network.proxy}/jsonstats`);
  assert.equal(proxy.status.running_queries, 0);
  assert.deepEqual(proxy.clients.map((c) => c.reserved_tokens), [0]);
  for (const url of [network.api, network.worker()]) {
    const { body: node } = await getJson(`${url}/jsonstats`);
    assert.equal(node.running ?? node.running_queries, 0);
  }
});
