// `cocoon client keys`: made once, listed without their secret, revoked.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cocoon } from './network.mjs';

test('keys are made, listed and revoked', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cocoon-keys-'));
  const config = join(folder, 'client.toml');
  const zeros = `0:${'0'.repeat(64)}`;
  writeFileSync(config, `[chain]\nliteserver = "127.0.0.1:1"\nliteserver_key = "${Buffer.alloc(32).toString('base64')}"\n`
    + `[network]\nroot = "${zeros}"\n[wallet]\nkey_file = "${join(folder, 'wallet.key')}"\nowner = "${zeros}"\n`);
  const keys = (...args) => spawnSync(cocoon, ['client', 'keys', ...args, '--config', config], { encoding: 'utf8' });
  try {
    const made = keys('add', 'alice', '--budget', '1.5', '--per-minute', '60', '--model', 'a', '--model', 'b', '--json');
    assert.equal(made.status, 0, made.stderr);
    const { secret } = JSON.parse(made.stdout);
    assert.match(secret, /^ck-[\w-]{43}$/);
    assert.equal(keys('add', 'alice').status, 1, 'the name is taken');
    assert.equal(keys('add', 'bob', '--budget', 'much').status, 1);
    const [alice] = JSON.parse(keys('list', '--json').stdout);
    assert.deepEqual([alice.name, alice.budget_nano, alice.per_minute, alice.models, alice.revoked],
      ['alice', 1_500_000_000, 60, ['a', 'b'], 0]);
    assert.match(keys('list').stdout, /alice +valid +spent 0\.00 TON of 1\.50 TON/);
    // The secret itself is nowhere, and nobody else may read what is there.
    for (const file of readdirSync(folder)) assert.ok(!readFileSync(join(folder, file), 'latin1').includes(secret), file);
    assert.equal(statSync(join(folder, 'api-keys.sqlite')).mode & 0o777, 0o600);
    assert.equal(keys('revoke', 'alice').status, 0);
    assert.equal(keys('revoke', 'alice').status, 1);
    assert.ok(JSON.parse(keys('list', '--json').stdout)[0].revoked > 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
