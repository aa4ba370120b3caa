// Nodes that die: whoever waits gets an error, the network heals, the money is still right.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Network, ask, getJson, until } from './network.mjs';

const network = new Network({ portBase: 23000 });
before(() => network.start());
after(() => network.destroy());

async function answers() {
  await network.healthy();
  return until('an answer after the failure', async () => {
    const reply = await network.chat(ask('Hello'));
    const body = await reply.json();
    return reply.status === 200 && body.choices[0].message.content;
  });
}

const usedTokens = async () => (await getJson(`${network.proxy}/jsonstats`)).body.clients[0]?.used_tokens ?? 0;

for (const node of ['proxy', 'worker-1', 'engine', 'client', 'devnet']) {
  test(`${node} is killed and comes back`, async () => {
    await answers();
    const old = network.kill(node);
    await network.restarted(node, old);
    assert.ok((await answers()).length > 0);
  });
}

test('a killed proxy forgets nothing that it had made durable', async () => {
  await answers();
  // Durable when the books say so: the counter of the database has reached that of memory.
  const before = await until('the snapshot', async () => {
    const { body } = await getJson(`${network.proxy}/jsonstats`);
    const c = body.clients[0];
    return c.used_tokens_db === c.used_tokens && c.used_tokens > 0 && c.used_tokens;
  });
  await network.restarted('proxy', network.kill('proxy'));
  await network.healthy();
  assert.ok((await usedTokens()) >= before);
});

test('requests that run while the proxy dies end with an error, in time', async () => {
  await answers();
  const running = network.chat(ask('Tell me a long story', { max_tokens: 400 })).then(async (reply) => {
    await reply.text();
    return reply.status;
  }, (error) => error);
  const old = network.kill('proxy');
  const end = await running;
  assert.ok(end instanceof Error || end === 200 || end >= 500, String(end));
  await network.restarted('proxy', old);
  await answers();
});

test('Ctrl-C stops all of it, cleanly', async () => {
  const end = await network.stop();
  assert.deepEqual(end, { code: 0, signal: null });
  for (const name of ['client', 'proxy', 'worker-1', 'engine', 'devnet']) assert.deepEqual(network.pidsOf(name), []);
});
