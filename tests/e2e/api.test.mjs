// The client's HTTP API through the whole network, with the client library people use.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { Network, ask, getJson } from './network.mjs';

const network = new Network({ portBase: 22000 });
let openai;

before(async () => {
  await network.start();
  openai = new OpenAI({ baseURL: `${network.api}/v1`, apiKey: 'none', maxRetries: 0 });
});
after(() => network.destroy());

test('models are listed', async () => {
  const models = await openai.models.list();
  assert.deepEqual(models.data.map((m) => m.id), ['tinychat']);
});

test('a model says how long a context it has, as its engine says it', async () => {
  const { body: engine } = await getJson(`http://127.0.0.1:${network.portBase + 3000}/v1/models`);
  const served = engine.data[0].max_model_len;
  assert.ok(served > 0);
  const { body: list } = await getJson(`${network.api}/v1/models`);
  assert.equal(list.data[0].context_length, served);
  const one = await openai.models.retrieve('tinychat');
  assert.equal(one.context_length, served);
  assert.deepEqual(one.workers.map((w) => w.context_length), [served]);
});

test('a plain answer has text, usage and its cost', async () => {
  const reply = await openai.chat.completions.create(ask('Hello'));
  assert.ok(reply.choices[0].message.content.length > 0);
  assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
  assert.ok(reply.usage.total_cost > 0);
});

test('a streamed answer comes chunk by chunk and says the same, with usage in its last chunk', async () => {
  const body = ask('What is the capital of France?', { temperature: 0, seed: 1 });
  const plain = await openai.chat.completions.create(body);
  const stream = await openai.chat.completions.create({ ...body, stream: true, stream_options: { include_usage: true } });
  let text = '';
  let chunks = 0;
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    chunks += 1;
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, plain.choices[0].message.content);
  assert.ok(chunks > 2, `${chunks} chunks`);
  assert.equal(usage.completion_tokens, plain.usage.completion_tokens);
});

test('the stream ends with [DONE], and its last chunk has usage even when it was not asked for', async () => {
  const reply = await network.chat(ask('Hello', { stream: true }));
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get('content-type'), /^text\/event-stream/);
  const events = (await reply.text()).split('\n\n').filter((e) => e.startsWith('data: ')).map((e) => e.slice(6));
  assert.equal(events.at(-1), '[DONE]');
  const chunks = events.slice(0, -1).map((e) => JSON.parse(e));
  assert.ok(chunks.every((c) => c.choices.length > 0), 'no chunk without choices for those who did not ask');
  assert.ok(chunks.at(-1).usage.completion_tokens > 0);
});

test('completions', async () => {
  const reply = await openai.completions.create({ model: 'tinychat', prompt: 'Once upon a time', max_tokens: 8 });
  assert.ok(reply.choices[0].text.length > 0);
  assert.ok(reply.usage.completion_tokens > 0);
});

test('several at once', async () => {
  const replies = await Promise.all(Array.from({ length: 12 }, (_, i) =>
    openai.chat.completions.create(ask(`What is ${i} plus ${i}?`))));
  for (const reply of replies) assert.ok(reply.choices[0].message.content.length > 0);
});

for (const [name, body, status] of [
  ['malformed JSON', '{"model": ', 400],
  ['an empty body', '', 400],
  ['an array', '[]', 400],
  ['very deep JSON', `{"model":"tinychat","messages":${'['.repeat(100000)}${']'.repeat(100000)}}`, 400],
  ['a missing model', { messages: [{ role: 'user', content: 'x' }] }, 400],
  ['an unknown model', { ...ask('x'), model: 'no-such-model' }, 404],
  ['a negative token limit', { ...ask('x'), max_tokens: -1 }, 400],
  ['a token limit beyond 32 bits', { ...ask('x'), max_tokens: 4294967301 }, 400],
  ['a fractional token limit', { ...ask('x'), max_tokens: 1.5 }, 400],
  ['a token limit as text', { ...ask('x'), max_tokens: '5' }, 400],
  ['no time at all', { ...ask('x'), timeout: 0 }, 400],
  ['negative time', { ...ask('x'), timeout: -1 }, 400],
  ['a body far above the limit', { ...ask('x'.repeat(12_000_000)) }, 413],
]) {
  test(`${name} is answered with ${status} in the API's shape`, async () => {
    const reply = await network.chat(body);
    assert.equal(reply.status, status);
    const { error } = await reply.json();
    assert.equal(typeof error.message, 'string');
  });
}

test('invalid UTF-8 is answered with 400', async () => {
  const body = Buffer.concat([Buffer.from('{"model":"tinychat","messages":[{"role":"user","content":"'), Buffer.from([0xff, 0xfe]),
    Buffer.from('"}]}')]);
  assert.equal((await network.chat(ask('x'), { body })).status, 400);
});

test('query strings, endless patience and unknown members do no harm', async () => {
  const body = JSON.stringify(ask('Hello', { timeout: 1e9, x_vendor: { deep: [1, null] }, metadata: { a: 'b' }, user: 'u' }));
  const reply = await fetch(`${network.api}/v1/chat/completions?api-version=1&x=%00`,
    { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get('x-request-id'), /^req_/);
});

test('more than the balance can pay is refused at once', async () => {
  const reply = await network.chat(ask('x', { max_tokens: 2_000_000_000 }));
  assert.equal(reply.status, 402);
  assert.match((await reply.json()).error.message, /balance|available|reserve/i);
});

test('unknown routes, wrong methods', async () => {
  assert.equal((await fetch(`${network.api}/v1/no-such-thing`, { method: 'POST', body: '{}' })).status, 404);
  assert.equal((await fetch(`${network.api}/v1/chat/completions`, { method: 'DELETE' })).status, 405);
  assert.equal((await fetch(`${network.api}/v1/chat/completions`)).status, 405);
});

test('status, health, metrics', async () => {
  for (const url of [network.api, network.proxy, network.worker()]) {
    assert.equal((await fetch(`${url}/health`)).status, 200);
    assert.match(await (await fetch(`${url}/metrics`)).text(), /^# TYPE cocoon_/m);
    const { body } = await getJson(`${url}/jsonstats`);
    assert.ok(body.status.wallet_balance !== undefined, 'wallet_balance');
  }
});

test('a second network runs beside this one', async () => {
  const taken = new Network({ portBase: 22000 });
  await assert.rejects(taken.start(), /port 22000 is taken/);
  await taken.destroy();
  const other = new Network({ portBase: 22500, args: ['--workers', '2'] });
  try {
    await other.start();
    const { body } = await getJson(`${other.proxy}/jsonstats`);
    assert.equal(body.worker_connections.length, 2);
    const [here, there] = await Promise.all([network.chat(ask('Hello')), other.chat(ask('Hello'))]);
    assert.deepEqual([here.status, there.status], [200, 200]);
  } finally {
    await other.destroy();
  }
});

test('nothing of all this ended a process', async () => {
  for (const name of ['client', 'proxy', 'worker-1', 'engine', 'devnet'])
    assert.equal(network.pidsOf(name).length, 1, name);
  assert.ok(!network.output.includes('starting it again'), network.output);
});
