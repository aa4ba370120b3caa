// Nodes that die: whoever waits gets an error, the network heals, the money is still right.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import net from 'node:net';
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

// Sends bytes to a port and resolves when the other side has ended the connection.
const throwAt = (port, bytes) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
  socket.on('data', () => {});
  socket.on('error', () => {});
  socket.on('close', resolve);
});

test('noise on every port is thrown out, and nobody else notices', async () => {
  await answers();
  const pids = ['client', 'proxy', 'worker-1', 'engine', 'devnet'].map((name) => network.pidsOf(name)[0]);
  const noise = [randomBytes(12), randomBytes(4096), Buffer.alloc(300_000, 0xff),
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n'),
    Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${'X-Y: z\r\n'.repeat(20_000)}\r\n`)];
  const ports = [0, 1000, 1001, 1002, 2000, 3000, 4000].map((offset) => network.portBase + offset);
  await Promise.all(ports.flatMap((port) => noise.map((bytes) => throwAt(port, bytes))));
  assert.ok((await answers()).length > 0);
  assert.deepEqual(['client', 'proxy', 'worker-1', 'engine', 'devnet'].map((name) => network.pidsOf(name)[0]), pids);
});

test('Ctrl-C stops all of it, cleanly', async () => {
  const end = await network.stop();
  assert.deepEqual(end, { code: 0, signal: null });
  for (const name of ['client', 'proxy', 'worker-1', 'engine', 'devnet']) assert.deepEqual(network.pidsOf(name), []);
});
