// A caller that goes away in the middle of a stream: the engine stops within 100 ms, and what was delivered is charged.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Network, cocoon, getJson, until } from './network.mjs';

const kTries = 5;  // the machine may be busy with others: one of them has to be quick
const network = new Network({ portBase: 23400, args: ['--fixture-engine', '--model-name', 'fixture'] });
before(() => network.start());
after(() => network.destroy());

const engine = async () => (await getJson(`http://127.0.0.1:${network.portBase + 3000}/fixture/stats`)).body;
const proxyQueries = async () => (await getJson(`${network.proxy}/jsonstats`)).body.status.running_queries;
const usedTokens = () => JSON.parse(
  execFileSync(cocoon, ['ledger', 'show', '--state', network.state, '--json'], { encoding: 'utf8' })).clients[0]?.used_tokens ?? 0;

// Reads some of a long stream and leaves. How many chunks came, and the milliseconds until the engine had stopped.
async function leave() {
  const { cancelled } = await engine();
  const abort = new AbortController();
  const reply = await fetch(`${network.api}/v1/chat/completions`, {
    method: 'POST', signal: abort.signal, headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'fixture', max_tokens: 5000, stream: true, messages: [{ role: 'user', content: 'Hello' }],
      fixture: { chunks: 2000, delay_ms: 5 },
    }),
  });
  let text = '';
  for await (const piece of reply.body) {
    text += new TextDecoder().decode(piece);
    if (text.split('data: ').length > 20) break;  // leaves the loop, and with it the connection
  }
  const start = performance.now();
  abort.abort();
  await until('the engine stops', async () => (await engine()).cancelled > cancelled, { every: 1, seconds: 20 });
  return { chunks: text.split('data: ').length - 1, milliseconds: performance.now() - start };
}

test('the engine stops within 100 ms, and the answer costs what was delivered', async () => {
  const times = [];
  for (let i = 0; i < kTries && !(Math.min(...times) <= 100); ++i) {
    const had = usedTokens();
    const { chunks, milliseconds } = await leave();
    times.push(milliseconds);
    await until('the proxy has counted', async () => await proxyQueries() === 0);
    let used = 0;
    await until('the count is in the books', () => (used = usedTokens() - had) > 0);
    // A completion token weighs 8, the prompt has 10; what was under way when the caller left was delivered as well.
    const most = 10 + 8 * (chunks + Math.ceil(milliseconds / 5) + 40);
    assert.ok(used >= 8 * (chunks - 5) && used <= most, `${used} adjusted tokens for ${chunks} chunks, at most ${most}`);
  }
  assert.ok(Math.min(...times) <= 100, `the engine stopped after ${times.map(Math.round)} ms`);
});
