// A caller that stops reading costs its own answer, and nobody else anything: memory stays bounded in every node, other
// answers over the same connections go on.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { residentKb } from '../../bench/node_stats.mjs';
import { Network, getJson, until } from './network.mjs';

const network = new Network({ portBase: 21600, args: ['--fixture-engine', '--model-name', 'fixture'] });
before(() => network.start());
after(() => network.destroy());

const names = ['client', 'proxy', 'worker-1'];
const ask = (chunks) => ({
  model: 'fixture', max_tokens: 64, stream: true, messages: [{ role: 'user', content: 'Hello' }], fixture: { chunks },
});

// Sends the request and reads its head, then nothing until `go_on()`, which reads to the end.
async function stubbornReader(body) {
  const text = JSON.stringify(body);
  const socket = connect({ port: network.portBase, host: '127.0.0.1' });
  let got = '';
  socket.on('data', (data) => { got += data; });
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nConnection: close\r\n`
    + `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  await until('the answer begins', () => got.includes('data: '), { every: 5 });
  socket.pause();
  return async () => {
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await ended;
    return got;
  };
}

test('a caller that does not read costs its own answer only', async () => {
  const pids = Object.fromEntries(names.map((n) => [n, network.pidsOf(n)[0]]));
  const engine = `http://127.0.0.1:${network.portBase + 3000}/fixture/stats`;
  const atRest = Object.fromEntries(names.map((n) => [n, residentKb(pids[n])]));
  const most = { ...atRest };
  const goOn = await stubbornReader(ask(200_000));  // some 40 MB, far more than anybody may keep of it
  let others = 0;
  await until('the engine has nothing to do', async () => {
    const reply = await network.chat({ ...ask(50) });
    assert.equal(reply.status, 200);
    assert.match(await reply.text(), /\[DONE\]/);
    others += 1;
    for (const n of names) most[n] = Math.max(most[n], residentKb(pids[n]));
    return (await getJson(engine)).body.running === 0;
  }, { seconds: 120, every: 1 });
  assert.ok(others >= 1, 'another answer came meanwhile');
  for (const n of names)
    assert.ok(most[n] - atRest[n] < 48 * 1024, `${n} grew from ${atRest[n]} to ${most[n]} KB`);
  const text = await goOn();
  assert.match(text, /"error"/, 'the stubborn reader hears that its answer is incomplete');
  assert.doesNotMatch(text, /\[DONE\]/);
});
