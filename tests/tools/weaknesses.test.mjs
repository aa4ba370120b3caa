// docs/money.md says which test closes which weakness (contracts.md 6.5): every weakness has one, and every test exists.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const rows = readFileSync(join(root, 'docs/money.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| W-\d+ \|/.test(line))
    .map((line) => ({id: Number(line.match(/W-(\d+)/)[1]), tests: [...line.matchAll(/`(W\d\d_\w+)`/g)].map((m) => m[1])}));

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'src', 'tests', 'contracts'], {cwd: root})
    .toString()
    .split('\n')
    .filter((name) => /(_test\.(cpp|hpp)|\.test\.(mjs|ts)|\.spec\.ts)$/.test(name));
const declared = new Set();
for (const name of files) {
  for (const m of readFileSync(join(root, name), 'utf8').matchAll(/TEST(?:_F)?\(\w+, (W\d\d_\w+)\)/g)) declared.add(m[1]);
}

test('every weakness is in the table, once, with a test', () => {
  assert.deepEqual(rows.map((r) => r.id), Array.from({length: 25}, (_, i) => i + 1));
  for (const row of rows) {
    assert.ok(row.tests.length > 0, `W-${row.id} names no test`);
    for (const name of row.tests) assert.ok(name.startsWith(`W${String(row.id).padStart(2, '0')}_`), `${name} at W-${row.id}`);
  }
});

test('every test that the table names exists, and none is forgotten in it', () => {
  const named = new Set(rows.flatMap((r) => r.tests));
  for (const name of named) assert.ok(declared.has(name), `${name} is in docs/money.md and in no test file`);
  for (const name of declared) assert.ok(named.has(name), `${name} is a test that docs/money.md does not name`);
});
