// OpenAI's own client library against the embedded engine and its real model.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cocoon = process.env.COCOON ?? join(root, 'build/release/bin/cocoon');
const kModel = join(root, 'models/tinychat/tinychat-q8_0.gguf');
const kStartMs = 60_000;

let folder;
let engine;
let output = '';
let url;
let openai;

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// Asks until the engine is up; its end or the deadline is an error that shows what it printed.
async function untilHealthy() {
  const deadline = Date.now() + kStartMs;
  for (;;) {
    const status = await fetch(`${url}/health`).then((r) => r.status, () => 0);
    if (status === 200) return;
    if (engine.exitCode !== null || Date.now() > deadline) throw new Error(`the engine is not up: ${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function metric(name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((l) => l.startsWith(`${name} `));
  assert.ok(line, `${name} is missing`);
  return Number(line.split(' ')[1]);
}

const ask = (text, more = {}) => ({
  model: 'tinychat',
  temperature: 0,
  messages: [{ role: 'user', content: text }],
  ...more,
});

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cocoon-engine-'));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'engine.toml');
  writeFileSync(config, `[engine]\nlisten = "127.0.0.1:${port}"\nmodel = ${JSON.stringify(kModel)}\nslots = 4\n`);
  engine = spawn(cocoon, ['engine', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [engine.stdout, engine.stderr]) stream.on('data', (data) => { output += data; });
  engine.on('error', (error) => { output += error; });
  await untilHealthy();
  openai = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 });
});

after(async () => {
  const ended = new Promise((resolve) => engine.on('exit', resolve));
  if (engine.exitCode === null && engine.kill('SIGTERM')) assert.equal(await ended, 0, output);
  rmSync(folder, { recursive: true, force: true });
});

test('lists its model', async () => {
  const models = [];
  for await (const model of openai.models.list()) models.push(model.id);
  assert.deepEqual(models, ['tinychat']);
  assert.equal((await openai.models.retrieve('tinychat')).max_model_len, 1024);
  await assert.rejects(openai.models.retrieve('other'), OpenAI.NotFoundError);
});

test('answers a conversation', async () => {
  const answer = await openai.chat.completions.create({
    model: 'tinychat',
    temperature: 0,
    messages: [
      { role: 'system', content: 'Answer in one word.' },
      { role: 'user', content: [{ type: 'text', text: 'What is the capital of France?' }] },
    ],
  });
  assert.match(answer.choices[0].message.content, /Paris/);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test('a stream says what the whole answer says, with the same usage', async () => {
  const whole = await openai.chat.completions.create(ask('Tell me a story.'));
  const stream = await openai.chat.completions.create(
    ask('Tell me a story.', { stream: true, stream_options: { include_usage: true } }));
  let text = '';
  let pieces = 0;
  let usage;
  for await (const chunk of stream) {
    if (chunk.usage) usage = chunk.usage;
    const piece = chunk.choices[0]?.delta?.content;
    if (piece) { text += piece; pieces += 1; }
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(usage, whole.usage);
  assert.ok(pieces > 10, `${pieces} pieces`);
});

test('the stream helper assembles the message', async () => {
  const runner = openai.chat.completions.stream(ask('Hello'));
  const message = await runner.finalMessage();
  assert.equal(message.role, 'assistant');
  assert.match(message.content, /ello/);
});

test('seeds, stop sequences, limits and several choices', async () => {
  const warm = { temperature: 1.3, seed: 11, max_tokens: 40 };
  const one = await openai.chat.completions.create(ask('Tell me a story.', warm));
  const same = await openai.chat.completions.create(ask('Tell me a story.', warm));
  const other = await openai.chat.completions.create(ask('Tell me a story.', { ...warm, seed: 12 }));
  assert.equal(one.choices[0].message.content, same.choices[0].message.content);
  assert.notEqual(one.choices[0].message.content, other.choices[0].message.content);

  const cut = await openai.chat.completions.create(ask('Tell me a story.', { max_completion_tokens: 5 }));
  assert.equal(cut.choices[0].finish_reason, 'length');
  assert.equal(cut.usage.completion_tokens, 5);

  const stopped = await openai.chat.completions.create(ask('Count to five.', { stop: ['3'] }));
  assert.ok(!stopped.choices[0].message.content.includes('3'));
  assert.equal(stopped.choices[0].finish_reason, 'stop');

  const several = await openai.chat.completions.create(ask('Tell me a story.', { ...warm, n: 3 }));
  assert.deepEqual(several.choices.map((c) => c.index), [0, 1, 2]);
});

test('completions, embeddings and JSON', async () => {
  const text = await openai.completions.create({ model: 'tinychat', prompt: '1, 2, 3,', temperature: 0, max_tokens: 4 });
  assert.ok(text.choices[0].text.length > 0);

  const vectors = await openai.embeddings.create({ model: 'tinychat', input: ['a blue sky', 'seven cats'] });
  assert.equal(vectors.data.length, 2);
  assert.equal(vectors.data[0].embedding.length, 256);
  const length = Math.hypot(...vectors.data[0].embedding);
  assert.ok(Math.abs(length - 1) < 1e-3, `length ${length}`);

  const json = await openai.chat.completions.create(
    ask('Give me a JSON object about a cat.', { response_format: { type: 'json_object' }, max_tokens: 300 }));
  const { message, finish_reason: reason } = json.choices[0];
  assert.ok(message.content.startsWith('{'), message.content);
  // Another processor rounds otherwise and may take another way, which the limit may cut: whole, it is an object.
  if (reason === 'stop') assert.equal(typeof JSON.parse(message.content), 'object');
});

test('errors arrive as the classes that the library has for them', async () => {
  const long = 'word '.repeat(3000);
  await assert.rejects(openai.chat.completions.create(ask(long)),
    (e) => e instanceof OpenAI.BadRequestError && e.code === 'context_length_exceeded' && e.param === 'messages');
  await assert.rejects(openai.chat.completions.create({ ...ask('x'), model: 'gpt-5' }),
    (e) => e instanceof OpenAI.NotFoundError && e.code === 'model_not_found');
  await assert.rejects(openai.chat.completions.create(ask('x', { temperature: 7 })),
    (e) => e instanceof OpenAI.BadRequestError && e.param === 'temperature' && e.type === 'invalid_request_error');
  await assert.rejects(openai.chat.completions.create(ask('x', { functions: [{ name: 'f' }] })),
    (e) => e instanceof OpenAI.BadRequestError && e.code === 'unsupported_parameter');
  await assert.rejects(openai.images.generate({ prompt: 'x' }), OpenAI.NotFoundError);
});

test('an aborted stream frees its slot', async () => {
  const before_ = await metric('cocoon_engine_cancelled_total');
  const stream = await openai.chat.completions.create(ask('Tell me a story.', { stream: true, ignore_eos: true, n: 4 }));
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta?.content) break;
  }
  stream.controller.abort();
  const deadline = Date.now() + 10_000;
  while ((await metric('cocoon_engine_running')) > 0) assert.ok(Date.now() < deadline, 'the slots stay taken');
  assert.equal(await metric('cocoon_engine_cancelled_total') - before_, 4);
});

test('many at once', async () => {
  const alone = await openai.chat.completions.create(ask('What is the capital of Italy?'));
  const many = await Promise.all(
    Array.from({ length: 12 }, () => openai.chat.completions.create(ask('What is the capital of Italy?'))));
  for (const one of many) assert.equal(one.choices[0].message.content, alone.choices[0].message.content);
});
