// What a stranger sees who types something wrong, or whose machine does not play along: a clear sentence, the right exit
// status, and nothing left behind.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Network, ask, cocoon, until } from './network.mjs';

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
