// tools/run-suites.mjs counts what the runners say and never turns trouble into silence.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { countCtest, countGtest, countTap, expand, readSuites, tapResult } from '../../tools/run-suites.mjs';

const counts = ({ passed, failed, skipped }) => [passed, failed, skipped];
const kReport = {
  testsuites: [
    {
      name: 'Frame',
      testsuite: [
        { name: 'Cuts', status: 'RUN', result: 'COMPLETED' },
        { name: 'Refuses', status: 'RUN', result: 'COMPLETED', failures: [{ failure: 'no' }] },
        { name: 'Off', status: 'NOTRUN', result: 'SUPPRESSED' },
        { name: 'Skips', status: 'RUN', result: 'SKIPPED' },
      ],
    },
  ],
};

test('suites.txt: name, condition, runner, arguments; an unknown runner is refused', () => {
  const text = '# comment\nunit ctest release # why\nasan when=sanitizers ctest asan unit\n';
  assert.deepEqual(readSuites(text), [
    { name: 'unit', when: undefined, runner: 'ctest', args: ['release'] },
    { name: 'asan', when: 'sanitizers', runner: 'ctest', args: ['asan', 'unit'] },
  ]);
  assert.throws(() => readSuites('unit perl x'), /no runner 'perl'/);
});

test('patterns name files, and a missing file is no file', () => {
  assert.ok(expand('tests/tools/*.test.mjs').includes('tests/tools/run_suites.test.mjs'));
  assert.deepEqual(expand('tests/nowhere/*.test.mjs'), []);
  assert.deepEqual(expand('tests/gone.mjs'), []);
});

test('TAP: the totals at the end, cancelled is failed, names of what failed', () => {
  const text = '    not ok 2 - inner\n# tests 9\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n';
  const result = countTap(text, 1);
  assert.deepEqual(counts(result), [5, 2, 2]);
  assert.deepEqual(result.names, ['inner']);
});

test('TAP: a runner that died or was stopped has failed', () => {
  assert.deepEqual(counts(countTap('', 1)), [0, 1, 0]);
  assert.deepEqual(counts(countTap('# pass 3\n# fail 0\n', 124)), [3, 1, 0]);
});

test('GoogleTest: cases are counted, disabled and skipped apart', () => {
  const result = countGtest(kReport);
  assert.deepEqual(counts(result), [1, 1, 2]);
  assert.deepEqual(result.names, ['Frame.Refuses']);
});

test('CTest: programs with a report count by cases, others as one, a crash as a failure', () => {
  const junit = `<testsuite><testcase name="wire" classname="wire" time="0.1" status="fail"></testcase>
    <testcase name="base_fuzz" classname="x" time="0.1" status="run"/>
    <testcase name="net" classname="net" time="0.1" status="fail"></testcase></testsuite>`;
  const clean = { testsuites: [{ name: 'Net', testsuite: [{ name: 'A', status: 'RUN', result: 'COMPLETED' }] }] };
  const result = countCtest(junit, (name) => ({ wire: kReport, net: clean })[name], 8);
  assert.deepEqual(counts(result), [1 + 1 + 1, 1 + 1, 2]);
  assert.deepEqual(result.names, ['Frame.Refuses', 'net (fail)']);
});

test('CTest: no report at all is a failure', () => {
  assert.deepEqual(counts(countCtest('', () => undefined, 8)), [0, 1, 0]);
});

// A program that hangs at its first `hangs` starts, and passes one test after that.
function hanging(hangs) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cocoon-suites-'));
  const script = path.join(folder, 'program.mjs');
  fs.writeFileSync(script, `
    import fs from 'node:fs';
    const starts = ${JSON.stringify(path.join(folder, 'starts'))};
    fs.appendFileSync(starts, '.');
    console.log('# begins');
    if (fs.readFileSync(starts).length <= ${hangs}) setInterval(() => {}, 1000);
    else console.log('ok 1 - works\\n# pass 1\\n# fail 0');`);
  return { words: [process.execPath, script], log: path.join(folder, 'log') };
}

test('who hangs once may try again, who hangs twice has failed', async () => {
  const once = hanging(1);
  const result = await tapResult('once', once.words, once.log, { limitMs: 1500 });
  assert.deepEqual(counts(result), [1, 0, 0]);
  const twice = hanging(2);
  const failed = await tapResult('twice', twice.words, twice.log, { limitMs: 1500 });
  assert.deepEqual(counts(failed), [0, 1, 0]);
  assert.match(failed.text, /# begins[^]*did not end within 1.5 s[^]*program.mjs/);
});
