// What a stranger sees who types something wrong, or whose machine does not play along: a clear sentence, the right exit
// status, and nothing left behind.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Network, ask, cocoon, getJson, until } from './network.mjs';

const kPort = 20300;

function run(args, options = {}) {
  const { status, stdout, stderr } = spawnSync(cocoon, args, { encoding: 'utf8', timeout: 120_000, ...options });
  return { status, out: stdout, err: stderr };
}

function withState(use) {
  const state = mkdtempSync(join(tmpdir(), 'cocoon-light-'));
  return Promise.resolve(use(state)).finally(() => rmSync(state, { recursive: true, force: true }));
}

// Processes of a network, by its directory.
const processesOf = (state) => readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).filter((pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(state);
  } catch {
    return false;
  }
});

test('without words the command explains itself', () => {
  const end = run([]);
  assert.equal(end.status, 2);
  assert.match(end.err, /cocoon up/);
});

test('every command explains itself and its options', () => {
  const commands = (args) => {
    const { status, out } = run([...args, '--help']);
    assert.equal(status, 0, args.join(' '));
    assert.match(out, /Usage: cocoon/);
    for (const line of out.split('\n').filter((l) => /^ {2}-/.test(l)))
      assert.match(line, /^ {2}-\S*( \S+)*( {2,}\S.*)?$/, line);
    const below = out.split('Subcommands:\n')[1];
    return below ? below.split('\n').filter((l) => /^ {2}\S/.test(l)).map((l) => l.trim().split(/ +/)[0]) : [];
  };
  const all = [];
  const walk = (args) => {
    for (const name of commands(args)) {
      all.push([...args, name].join(' '));
      walk([...args, name]);
    }
  };
  walk([]);
  for (const name of ['up', 'chat', 'client', 'client topup', 'client withdraw', 'client close', 'proxy', 'proxy charge', 'proxy retire', 'proxy withdraw',
    'worker', 'worker payout', 'devnet', 'engine', 'ledger show', 'ledger verify', 'wallet show', 'wallet send', 'wallet rotate', 'root show'])
    assert.ok(all.includes(name), `${name} among ${all.join(', ')}`);
});

test('an unknown word is answered with the one that was meant', () => {
  for (const [args, why] of [
    [['upp'], /no command "upp"; the nearest known one is "up"/],
    [['up', '--worker', '2'], /no option "--worker"; the nearest known one is "--workers"/],
    [['up', '--workers', '0'], /--workers: Value 0 not in range/],
    [['up', '--port-base', 'x'], /--port-base/],
    [['wallet'], /subcommand is required/],
  ]) {
    const end = run(args);
    assert.equal(end.status, 2, args.join(' '));
    assert.match(end.err, why);
  }
});

for (const role of ['client', 'proxy', 'worker', 'devnet', 'engine']) {
  test(`${role}: an example with every key; unknown keys are refused with the nearest name and the line`, () => withState((state) => {
    const example = run([role, '--example']).out;
    const keys = example.split('\n').filter((l) => /^\w+ = /.test(l));
    assert.ok(keys.length >= 5);
    for (const [i, line] of example.split('\n').entries())
      if (/^\w+ = /.test(line)) assert.match(example.split('\n')[i - 1], /^# \S/, `${line} has no explanation`);
    const file = join(state, 'node.toml');
    writeFileSync(file, example.replace(/^log_level = /m, 'log_levle = ').replace(/^listen = /m, 'listen = '));
    const end = run([role, '--config', file]);
    assert.equal(end.status, 1);
    assert.match(end.err, /node\.toml:\d+: .*unknown key; the nearest known one is "(.*\.)?(log_level|listen)"/);
    const missing = run([role, '--config', join(state, 'none.toml')]);
    assert.equal(missing.status, 1);
    assert.match(missing.err, /none\.toml: cannot be read; `cocoon ROLE --example`/);
    if (role !== 'engine') assert.match(run([role]).err, /--config FILE must be given; --example/);
  }));
}

test('a wrong model ends the start with the reason, and leaves nothing running', () => withState((state) => {
  const model = join(state, 'model.gguf');
  writeFileSync(model, 'this is no model');
  for (const [file, why] of [[model, /model\.gguf/], [join(state, 'missing.gguf'), /missing\.gguf/]]) {
    const end = run(['up', '--state', join(state, 'net'), '--port-base', String(kPort), '--model', file]);
    assert.equal(end.status, 1);
    assert.match(end.err, /cocoon up: /);
    assert.match(end.err, why);
    assert.deepEqual(processesOf(state), []);
  }
}));

test('Ctrl-C while the network starts stops what runs', () => withState(async (state) => {
  const up = spawn(cocoon, ['up', '--state', state, '--port-base', String(kPort)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [up.stdout, up.stderr]) stream.on('data', (data) => { output += data; });
  const exited = new Promise((resolve) => up.on('exit', (code) => resolve(code)));
  await until('the third step', () => output.includes('[3/'), { every: 10 });
  up.kill('SIGINT');
  assert.equal(await exited, 130, output);
  assert.match(output, /stopped/);
  assert.deepEqual(processesOf(state), []);
}));

test('a directory that cannot be written is named', () => {
  const end = run(['up', '--state', '/proc/cocoon', '--port-base', String(kPort)]);
  assert.equal(end.status, 1);
  assert.match(end.err, /\/proc\/cocoon/);
});

// A small disk of its own, for as long as `body` runs. False where none can be mounted (not as root).
async function onSmallDisk(kilobytes, body) {
  const disk = mkdtempSync(join(tmpdir(), 'cocoon-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', disk], { encoding: 'utf8' });
  try {
    if (mounted.status !== 0) return false;
    await body(disk);
    return true;
  } finally {
    if (mounted.status === 0) spawnSync('umount', [disk]);
    rmSync(disk, { recursive: true, force: true });
  }
}

test('what cannot be said is no success', () => {
  for (const args of [['--help'], ['client', '--example']]) {
    const full = openSync('/dev/full', 'w');
    const end = run(args, { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    assert.equal(end.status, 1, args.join(' '));
    assert.match(end.err, /standard output cannot be written/);
  }
});

test('a start on a full disk is said so', async (t) => {
  const possible = await onSmallDisk(512, (disk) => {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(400 * 1024));
    const end = run(['up', '--state', join(disk, 'net'), '--port-base', String(kPort)]);
    assert.equal(end.status, 1);
    assert.match(end.err, /disk is full|No space left/i, end.err);
    assert.doesNotMatch(end.err, /signal/, end.err);
    assert.deepEqual(processesOf(disk), []);
  });
  if (!possible) t.skip('a small disk cannot be mounted here');
});

test('a disk that fills up stops the money, not the network, and nothing is lost', async (t) => {
  const possible = await onSmallDisk(24 * 1024, async (disk) => {
    const network = new Network({ portBase: kPort, state: join(disk, 'net'), args: ['--fixture-engine', '--model-name', 'fixture'] });
    const answer = async () => {
      const reply = await network.chat({ model: 'fixture', max_tokens: 64, messages: [{ role: 'user', content: 'Hello' }] });
      return { status: reply.status, text: await reply.text() };
    };
    const status = async () => (await getJson(`${network.proxy}/jsonstats`)).body.status;
    try {
      await network.start();
      assert.equal((await answer()).status, 200);
      const pids = ['client', 'proxy', 'worker-1', 'devnet'].map((name) => network.pidsOf(name)[0]);
      const ballast = openSync(join(disk, 'ballast'), 'w');
      assert.throws(() => { for (;;) writeSync(ballast, Buffer.alloc(4096)); }, { code: 'ENOSPC' });
      closeSync(ballast);
      await until('the chain says that it stands still',
        () => readFileSync(join(disk, 'net/log/devnet.log'), 'utf8').includes('stands still'));
      const meanwhile = await answer();
      assert.ok(meanwhile.status === 200 || JSON.parse(meanwhile.text).error.message, meanwhile.text);
      rmSync(join(disk, 'ballast'));
      await until('what was answered meanwhile is committed on chain', async () => {
        const { last_commit_sent: sent, last_commit_seen: seen } = await status();
        return readFileSync(join(disk, 'net/log/devnet.log'), 'utf8').includes('goes on') && sent === seen;
      });
      assert.equal((await answer()).status, 200);
      assert.deepEqual(['client', 'proxy', 'worker-1', 'devnet'].map((name) => network.pidsOf(name)[0]), pids,
        'nobody has ended meanwhile');
    } finally {
      await network.destroy();
    }
  });
  if (!possible) t.skip('a small disk cannot be mounted here');
});

test('two workers, a port base of its own, an engine that hangs: an error in the API\'s shape within the deadline', async () => {
  const network = new Network({ portBase: kPort, args: ['--workers', '2'] });
  try {
    await network.start();
    assert.match(network.output, /\[7\/7\] .* done, [\d.]+ s/);
    assert.equal((await network.chat(ask('Hello'))).status, 200);
    const [engine] = network.pidsOf('engine');
    process.kill(engine, 'SIGSTOP');
    try {
      const began = Date.now();
      const reply = await network.chat({ ...ask('Hello'), timeout: 4 });
      const { error } = await reply.json();
      assert.ok(reply.status >= 500, String(reply.status));
      assert.equal(typeof error.message, 'string');
      assert.ok(Date.now() - began < 8000, `${Date.now() - began} ms`);
    } finally {
      process.kill(engine, 'SIGCONT');
    }
    await until('an answer again', async () => (await network.chat(ask('Hello'))).status === 200);
  } finally {
    await network.destroy();
  }
});
