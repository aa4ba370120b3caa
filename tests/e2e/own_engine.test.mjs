// `cocoon up --engine URL` serves with an engine that runs already; its URL may be the one that OpenAI's clients are given.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Network, cocoon, getJson, until } from './network.mjs';

const portBase = 22400;
const url = `http://127.0.0.1:${portBase + 3500}`;
const network = new Network({ portBase, args: ['--engine', `${url}/v1/`, '--model-name', 'fixture'] });
let engine;
before(async () => {
  engine = spawn(cocoon, ['engine', '--fixture', '--listen', `127.0.0.1:${portBase + 3500}`], { stdio: 'ignore' });
  await until('the engine listens', () => getJson(`${url}/health`).catch(() => false));
  await network.start();
});
after(async () => {
  await network.destroy();
  engine.kill();
});

test('answers come from the engine that was named, and no other is started', async () => {
  const reply = await network.chat({ model: 'fixture', max_tokens: 64, messages: [{ role: 'user', content: 'Hello' }] });
  assert.equal(reply.status, 200);
  assert.equal((await reply.json()).choices[0].message.content, 'Hello there.');
  assert.deepEqual(network.pidsOf('engine'), []);
});
