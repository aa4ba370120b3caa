// What the embedded engine's small model cannot do, against a network with the fixture engine: speech, several tools at
// once, and engines that misbehave.
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { after, before, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { Network, until } from '../e2e/network.mjs';

globalThis.File ??= File;  // Debian's Node.js 18 knows it, but not as a global; the SDK asks for one
const network = new Network({ portBase: 25000, args: ['--fixture-engine', '--model-name', 'fixture'] });
const messages = [{ role: 'user', content: 'Hello' }];
const model = 'fixture';
let openai;

before(async () => {
  await network.start();
  openai = new OpenAI({ baseURL: `${network.api}/v1`, apiKey: 'none', maxRetries: 0 });
});
after(() => network.destroy());

test('transcriptions', async () => {
  const file = await toFile(Buffer.alloc(5000, 1), 'speech.wav', { type: 'audio/wav' });
  const { data, response } = await openai.audio.transcriptions.create({ model, file, language: 'en' }).withResponse();
  assert.equal(data.text, '5000 bytes of speech');
  assert.equal(response.status, 200);
  await assert.rejects(openai.audio.transcriptions.create({ model: 'no-such-model', file }), OpenAI.NotFoundError);
});

test('a form whose header has no space, and one that is none', async () => {
  const url = `${network.api}/v1/audio/transcriptions`;
  const body = '--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nfixture\r\n'
    + '--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--B--\r\n';
  const good = await fetch(url, { method: 'POST', headers: { 'content-type': 'multipart/form-data;boundary=B' }, body });
  assert.equal((await good.json()).text, '3 bytes of speech');
  const bad = await fetch(url, { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=C' }, body });
  assert.equal(bad.status, 400);
});

test('parallel calls of tools', async () => {
  const tools = ['one', 'two'].map((name) => ({
    type: 'function',
    function: { name, parameters: { type: 'object', properties: { n: { type: 'integer' } } } },
  }));
  const whole = await openai.chat.completions.create({ model, messages, tools, parallel_tool_calls: true });
  assert.deepEqual(whole.choices[0].message.tool_calls.map((c) => c.function.name), ['one', 'two']);
  const final = await openai.chat.completions.stream({ model, messages, tools, parallel_tool_calls: true }).finalMessage();
  assert.deepEqual(final.tool_calls.map((c) => JSON.parse(c.function.arguments)), [{ n: 7 }, { n: 7 }]);
  const told = await openai.responses.create(
    { model, input: 'Hello', tools: tools.map((t) => ({ type: 'function', ...t.function })), parallel_tool_calls: true });
  assert.deepEqual(told.output.map((item) => item.name), ['one', 'two']);
});

test('members that only the engine knows reach it', async () => {
  const answer = await openai.chat.completions.create({ model, messages, fixture: { mode: 'echo' } });
  assert.equal(answer.choices[0].message.content, 'Hello');
});

for (const [mode, status, kind] of [
  ['no-usage', 502, OpenAI.InternalServerError],
  ['error', 500, OpenAI.InternalServerError],
  ['flat-error', 400, OpenAI.BadRequestError],
  ['plain-error', 502, OpenAI.InternalServerError],
  ['die', 502, OpenAI.InternalServerError],
  ['garbage', 502, OpenAI.InternalServerError],
  ['half-json', 502, OpenAI.InternalServerError],
]) {
  test(`an engine's ${mode} is an error of status ${status} in the API's shape`, async () => {
    await assert.rejects(openai.chat.completions.create({ model, messages, fixture: { mode } }),
      (e) => e instanceof kind && e.status === status && e.message.length > 0);
  });
}

test('an engine that stalls is given up at the deadline of the request', async () => {
  const began = Date.now();
  await assert.rejects(openai.chat.completions.create({ model, messages, timeout: 3, fixture: { mode: 'stall' } }),
    (e) => e.status === 504);
  assert.ok(Date.now() - began < 20_000);
});

test('a stream that its engine breaks off ends with an error, not as if it were whole', async () => {
  const stream = await openai.chat.completions.create({ model, messages, stream: true, fixture: { mode: 'die-mid' } });
  await assert.rejects(async () => { for await (const chunk of stream) assert.ok(chunk); }, OpenAI.APIError);
});

const books = async () => (await (await fetch(`${network.proxy}/jsonstats`)).json()).clients[0];
async function charged(work) {
  const before_ = (await books()).used_tokens;
  await work();
  await until('the reservation is released', async () => (await books()).reserved_tokens === 0);
  return (await books()).used_tokens - before_;
}

test('a stream that does not say what it cost ends with an error, and what was delivered is charged', async () => {
  const chunks = 50;
  const cost = await charged(async () => {
    const stream = await openai.chat.completions.create(
      { model, messages, stream: true, fixture: { mode: 'no-usage', chunks } });
    let texts = 0;
    await assert.rejects(async () => {
      for await (const chunk of stream) texts += chunk.choices[0].delta.content ? 1 : 0;
    }, OpenAI.APIError);
    assert.equal(texts, chunks);
  });
  assert.equal(cost, 8 * chunks);  // a token of an answer weighs 8
});

test('an engine that claims more than was reserved gets what was reserved', async () => {
  const max_tokens = 64;
  const cost = await charged(() => openai.chat.completions.create({ model, messages, max_tokens, fixture: { mode: 'huge-usage' } }));
  // At most: each token of the answer at the weight of 8, each byte of the request as one token.
  assert.ok(cost >= 8 * max_tokens && cost <= 8 * (max_tokens + 2000), String(cost));
});

test('an answer whose engine breaks it off does not end well', async () => {
  await assert.rejects(openai.chat.completions.create({ model, messages, fixture: { mode: 'die-mid' } }));
});

test('failures are tried again by the library, and then succeed', async () => {
  const patient = new OpenAI({ baseURL: `${network.api}/v1`, apiKey: 'none', maxRetries: 2 });
  const before_ = (await (await fetch(`${network.api}/jsonstats`)).json()).stats.queries[0];
  await assert.rejects(patient.chat.completions.create({ model, messages, fixture: { mode: 'error' } }));
  const after_ = (await (await fetch(`${network.api}/jsonstats`)).json()).stats.queries[0];
  assert.equal(after_ - before_, 3);
});
