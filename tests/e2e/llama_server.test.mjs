// Somebody else's engine, run for real: llama.cpp's own server behind a worker.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import OpenAI from 'openai';
import { Network, ask, getJson, root, until } from './network.mjs';

const portBase = 22700;
const port = portBase + 3500;
const url = `http://127.0.0.1:${port}`;
const slots = 2, context = 512;
const network = new Network({ portBase, args: ['--engine', url, '--model-name', 'tinychat'] });
const openai = new OpenAI({ apiKey: 'none', baseURL: `${network.api}/v1`, maxRetries: 0 });
let engine, output = '';

async function startEngine() {
  // It looks for the processor's backend where it is started. One thread: the rest of the network wants to live too.
  engine = spawn(join(root, 'build/llama-server/llama-server'),
    ['--model', join(root, 'models/tinychat/tinychat-q8_0.gguf'), '--alias', 'tinychat', '--host', '127.0.0.1',
      '--port', port, '--parallel', slots, '--ctx-size', slots * context, '--threads', 1, '--jinja', '--metrics'],
    { cwd: join(root, 'build/llama/lib'), stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [engine.stdout, engine.stderr]) stream.on('data', (data) => { output += data; });
  engine.on('error', (error) => { output += error; });
  await until('llama-server listens', () => {
    if (engine.exitCode !== null) throw new Error(`llama-server ended:\n${output}`);
    return getJson(`${url}/health`).then((r) => r.status === 200, () => false);
  });
}
const running = async () =>
  Number(/^llamacpp:requests_processing (\d+)/m.exec(await (await fetch(`${url}/metrics`)).text())[1]);

before(async () => {
  await startEngine();
  await network.start();
});
after(async () => {
  await network.destroy();
  engine.kill('SIGKILL');
});

test('its model is offered with the context of one of its slots', async () => {
  const { body } = await getJson(`${network.api}/v1/models/tinychat`);
  assert.equal(body.id, 'tinychat');
  assert.equal(body.context_length, context);
});

test('a whole answer and a stream say the same, and cost the same', async () => {
  const question = ask('What is the capital of France?', { temperature: 0, cache_prompt: false });
  const whole = await openai.chat.completions.create(question);
  assert.match(whole.choices[0].message.content, /Paris/);
  assert.equal(whole.choices[0].finish_reason, 'stop');
  const stream = await openai.chat.completions.create({ ...question, stream: true, stream_options: { include_usage: true } });
  let text = '', pieces = 0, usage, finish;
  for await (const chunk of stream) {
    usage = chunk.usage ?? usage;
    const [choice] = chunk.choices;
    if (choice?.delta?.content) ++pieces;
    text += choice?.delta?.content ?? '';
    finish = choice?.finish_reason ?? finish;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.ok(pieces > 3, `${pieces} pieces`);
  assert.equal(finish, 'stop');
  for (const key of ['prompt_tokens', 'completion_tokens', 'total_tokens', 'total_cost'])
    assert.equal(usage[key], whole.usage[key], key);
  assert.ok(usage.total_cost > 0);
});

test('an event of usage that nobody asked for is not in the stream; what it cost still is', async () => {
  const stream = await openai.chat.completions.create(ask('Hello', { max_tokens: 8, stream: true }));
  let last;
  for await (const chunk of stream) {
    assert.equal(chunk.choices.length, 1);
    last = chunk;
  }
  assert.equal(last.choices[0].finish_reason, 'length');
  assert.equal(last.usage.completion_tokens, 8);
  assert.ok(last.usage.total_cost > 0);
});

test('schemas, logprobs, stop words and the older completions pass through', async () => {
  const schema = { type: 'object', properties: { city: { type: 'string', enum: ['Paris', 'Rome'] } }, required: ['city'] };
  const structured = await openai.chat.completions.create(ask('What is the capital of France?', {
    temperature: 0, response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } }));
  assert.match(JSON.parse(structured.choices[0].message.content).city, /^(Paris|Rome)$/);

  const probable = await openai.chat.completions.create(ask('Hello', { max_tokens: 3, logprobs: true, top_logprobs: 2 }));
  assert.equal(probable.choices[0].logprobs.content[0].top_logprobs.length, 2);
  const stopped = await openai.chat.completions.create(ask('What is the capital of France?', { temperature: 0, stop: ['Paris'] }));
  assert.doesNotMatch(stopped.choices[0].message.content, /Paris/);
  const older = await openai.completions.create({ model: 'tinychat', prompt: 'Once', max_tokens: 5 });
  assert.equal(older.choices[0].finish_reason, 'length');
  assert.equal(older.usage.completion_tokens, 5);
});

test('what it refuses is refused with its own words', async () => {
  const tooLong = await network.chat(ask('word '.repeat(2 * context), { max_tokens: 8 }));
  assert.equal(tooLong.status, 400);
  assert.match((await tooLong.json()).error.message, /context/);
  await assert.rejects(openai.embeddings.create({ model: 'tinychat', input: 'x' }), (error) => {
    assert.equal(error.status, 501);
    assert.match(error.message, /embeddings/);
    return true;
  });
});

test('more questions than it has slots are all answered', async () => {
  const answers = await Promise.all(Array.from({ length: 3 * slots }, (_, i) =>
    openai.chat.completions.create(ask(`Tell me about number ${i}.`, { max_tokens: 8 }))));
  for (const answer of answers) assert.ok(answer.usage.completion_tokens > 0);
});

test('who goes away stops it', async () => {
  const stream = await openai.chat.completions.create(ask('Tell me a long story.', { max_tokens: 400, ignore_eos: true, stream: true }));
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta?.content) break;  // breaking closes the connection
  }
  await until('it has stopped', async () => (await running()) === 0, { seconds: 5, every: 20 });
});

test('killed in the middle of an answer: the reason, not an end; and it serves again when it is back', async () => {
  const stream = await openai.chat.completions.create(ask('Tell me a long story.', { max_tokens: 400, ignore_eos: true, stream: true }));
  await assert.rejects((async () => {
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta?.content) engine.kill('SIGKILL');
    }
  })(), /engine|closed|ended/);
  const down = await network.chat(ask('Hello'));
  assert.ok([502, 503].includes(down.status), `${down.status}`);
  await startEngine();
  await until('it answers again', async () => (await network.chat(ask('Hello', { max_tokens: 4 }))).status === 200);
});
