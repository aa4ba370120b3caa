// Every test that contracts/SECURITY.md names exists.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path) => readFileSync(new URL(`../../contracts/${path}`, import.meta.url), 'utf8');

const named = [...read('SECURITY.md').matchAll(/`(\w+\.spec\.ts)`: (.*?) \|$/gm)].map(([, file, title]) => ({ file, title }));

test('the threat list names tests in every row', () => {
  const rows = read('SECURITY.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (attempt|accident) \|/.test(line));
  assert.ok(rows.length > 50);
  assert.equal(named.length, rows.length);
});

for (const { file, title } of named)
  test(`${file}: ${title}`, () => {
    const quoted = [`test('${title}`, `test("${title}`, `test(\`${title}`];
    assert.ok(quoted.some((start) => read(`tests/${file}`).includes(start)));
  });
