#!/usr/bin/env node
// Runs the suites of tests/suites.txt and ends with one table and the line "N passed, N failed".
//   node tools/run-suites.mjs [--sanitizers] [NAME...]
// Counts come from the runners' own reports: GoogleTest's JSON, CTest's JUnit, node's TAP. Exits 1 when a test failed,
// when a suite ran none, or when a runner failed without saying which test.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { root } from './files.mjs';

const kHangMs = 8 * 60_000;  // of one file or one TAP program; none takes a third of it
const kHeartbeatMs = 60_000;
const kRunners = { ctest: runCtest, node: runNode, tap: runTap };
const logs = path.join(root, 'build/logs');

export function readSuites(text) {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean)
    .map((line) => {
      const words = line.split(/\s+/);
      const when = words.find((word) => word.startsWith('when='))?.slice(5);
      const [name, runner, ...args] = words.filter((word) => !word.startsWith('when='));
      if (!(runner in kRunners)) throw new Error(`suites.txt: ${name}: no runner '${runner}'`);
      return { name, when, runner, args };
    });
}

/** "dir/*.test.mjs" and plain paths, relative to the root. */
export function expand(pattern, base = root) {
  if (!pattern.includes('*')) return fs.existsSync(path.join(base, pattern)) ? [pattern] : [];
  const directory = path.dirname(pattern);
  const matches = new RegExp(`^${path.basename(pattern).replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
  if (!fs.existsSync(path.join(base, directory))) return [];
  return fs.readdirSync(path.join(base, directory)).filter((name) => matches.test(name)).sort().map((name) => path.join(directory, name));
}

/** What the processes of a group are doing, for the log of a run that hangs. */
function processesOf(group) {
  const { stdout } = spawnSync('ps', ['-e', '-o', 'pgid,pid,ppid,stat,etimes,wchan:24,args', '--forest'], { encoding: 'utf8' });
  const [head, ...lines] = (stdout ?? '').split('\n');
  return [head, ...lines.filter((line) => line.trim().startsWith(`${group} `))].join('\n');
}

/** Runs a command with its output in a log; resolves to its status (124 when it hangs: it ran past the limit). */
function command(words, log, { env = {}, limitMs = 0 } = {}) {
  return new Promise((resolve) => {
    const output = fs.openSync(log, 'a');
    const child = spawn(words[0], words.slice(1), {
      cwd: root,
      stdio: ['ignore', output, output],
      env: { ...process.env, ...env },
      detached: true,
    });
    let late = false;
    const stop = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    };
    const hangs = () => {
      late = true;
      fs.appendFileSync(log, `\n# did not end within ${limitMs / 1000} s:\n${processesOf(child.pid).replace(/^/gm, '#   ')}\n`);
      stop('SIGKILL');
    };
    const timer = limitMs && setTimeout(hangs, limitMs);
    const interrupted = () => (stop('SIGTERM'), process.exit(130));
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
    const done = (status) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      fs.closeSync(output);
      resolve(late ? 124 : status);
    };
    child.on('error', (error) => (fs.appendFileSync(log, `${words[0]}: ${error.message}\n`), done(127)));
    child.on('exit', (code) => done(code ?? 1));
  });
}

/** A TAP program into a log of its own. One that hangs (not one that fails) is shown and may try once more. */
export async function tapResult(name, words, log, { limitMs = kHangMs } = {}) {
  for (let tries = 1; ; ++tries) {
    fs.writeFileSync(log, '');
    const status = await command(words, log, { limitMs });
    const text = fs.readFileSync(log, 'utf8');
    const result = countTap(text, status);
    if (status !== 124) return { ...result, text };
    console.error(`    ${name} hangs:\n${text.split('\n').slice(-40).join('\n').replace(/^/gm, '      ')}`);
    if (tries === 2) return { ...result, text };
    console.error('    once more');
  }
}

/** node's TAP: its own totals, and the names of what failed. */
export function countTap(text, status) {
  const total = (word) => Number([...text.matchAll(new RegExp(`^# ${word} (\\d+)`, 'gm'))].at(-1)?.[1] ?? 0);
  const result = { passed: total('pass'), failed: total('fail') + total('cancelled'), skipped: total('skipped') + total('todo'), names: [] };
  for (const [, name] of text.matchAll(/^\s*not ok \d+ - (.+)$/gm)) result.names.push(name);
  if (status !== 0 && result.failed === 0) {
    result.failed = 1;
    result.names.push(status === 124 ? 'did not end in time' : `the runner ended with status ${status}`);
  }
  return result;
}

/** One GoogleTest report (--gtest_output=json). */
export function countGtest(report) {
  const result = { passed: 0, failed: 0, skipped: 0, names: [] };
  for (const suite of report.testsuites ?? []) {
    for (const test of suite.testsuite ?? []) {
      if (test.failures?.length) {
        result.failed++;
        result.names.push(`${suite.name}.${test.name}`);
      } else if (test.status === 'NOTRUN' || test.result === 'SKIPPED' || test.result === 'SUPPRESSED') {
        result.skipped++;
      } else {
        result.passed++;
      }
    }
  }
  return result;
}

const sum = (results) => ({
  passed: results.reduce((total, result) => total + result.passed, 0),
  failed: results.reduce((total, result) => total + result.failed, 0),
  skipped: results.reduce((total, result) => total + result.skipped, 0),
  names: results.flatMap((result) => result.names),
});

/** CTest's programs: a GoogleTest program counts by its report, any other program is one test. */
export function countCtest(junit, reportOf, status) {
  const results = [];
  for (const [, attributes] of junit.matchAll(/<testcase ([^>]*)>/g)) {
    const name = attributes.match(/\bname="([^"]*)"/)[1];
    const passed = /\bstatus="run"/.test(attributes);
    const report = reportOf(name);
    const result = report ? countGtest(report) : { passed: passed ? 1 : 0, failed: 0, skipped: 0, names: [] };
    if (!passed && result.failed === 0) {
      result.failed = 1;
      result.names.push(`${name} (${attributes.match(/\bstatus="([^"]*)"/)?.[1] ?? 'did not end well'})`);
    }
    results.push(result);
  }
  const total = sum(results);
  if (status !== 0 && total.failed === 0) {
    total.failed = 1;
    total.names.push(`ctest ended with status ${status}`);
  }
  return total;
}

async function runCtest({ name, args: [preset, label] }, log) {
  const reports = path.join(root, 'build', preset, 'reports');
  const junit = path.join(reports, 'ctest.xml');
  fs.rmSync(reports, { recursive: true, force: true });
  fs.mkdirSync(reports, { recursive: true });
  const jobs = process.env.JOBS || '2';
  const words = ['ctest', '--test-dir', path.join('build', preset), '-j', jobs, '--output-on-failure', '--no-tests=error'];
  // Under a sanitizer everything takes ten times as long, but deadlines do not: who came too late may try once more.
  if (preset !== 'release') words.push('--repeat', 'until-pass:2');
  const env = {
    GTEST_OUTPUT: `json:${reports}/`,
    ASAN_OPTIONS: 'detect_stack_use_after_return=1:strict_string_checks=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    TSAN_OPTIONS: 'second_deadlock_stack=1',
  };
  const status = await command([...words, ...(label ? ['-L', `^${label}$`] : []), '--output-junit', junit], log, { env });
  const text = fs.existsSync(junit) ? fs.readFileSync(junit, 'utf8') : '';
  const reportOf = (test) => {
    const file = path.join(reports, `${test}_test.json`);
    return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
  };
  return countCtest(text, reportOf, status);
}

async function runNode({ args }, log) {
  const results = [];
  for (const file of args.flatMap((pattern) => expand(pattern))) {
    const own = `${log}.part`;
    const result = await tapResult(file, [process.execPath, '--test', '--test-reporter=tap', file], own);
    fs.appendFileSync(log, `# ${file}\n${result.text}`);
    fs.rmSync(own);
    results.push(result);
  }
  return sum(results);
}

function runTap({ name, args }, log) {
  return tapResult(name, args, log);
}

async function runSuite(suite) {
  const log = path.join(logs, `test-${suite.name}.log`);
  fs.writeFileSync(log, '');
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  const beat = setInterval(() => console.error(`[${suite.name}] … ${seconds()} s`), kHeartbeatMs);
  const result = await kRunners[suite.runner](suite, log);
  clearInterval(beat);
  if (result.passed + result.failed === 0) {
    result.failed = 1;
    result.names.push('ran no test');
  }
  console.error(`[${suite.name}] ${result.passed} passed, ${result.failed} failed: ${seconds()} s`);
  for (const name of result.names.slice(0, 20)) console.error(`    failed: ${name}`);
  if (result.failed) console.error(`    read ${path.relative(root, log)}`);
  return { name: suite.name, seconds: seconds(), ...result };
}

function table(results) {
  const column = (value, width) => String(value).padStart(width);
  const width = Math.max(...results.map(({ name }) => name.length), 5);
  const lines = [`${'suite'.padEnd(width)}  passed  failed  skipped  seconds`];
  for (const { name, passed, failed, skipped, seconds } of results) {
    lines.push(`${name.padEnd(width)}${column(passed, 8)}${column(failed, 8)}${column(skipped, 9)}${column(seconds, 9)}`);
  }
  const { passed, failed } = sum(results);
  return `\n${lines.join('\n')}\n\n${passed} passed, ${failed} failed`;
}

async function main(words) {
  const sanitizers = words.includes('--sanitizers');
  const names = words.filter((word) => !word.startsWith('--'));
  const all = readSuites(fs.readFileSync(path.join(root, 'tests/suites.txt'), 'utf8'));
  const unknown = names.find((name) => !all.some((suite) => suite.name === name));
  if (unknown) throw new Error(`no suite '${unknown}' in tests/suites.txt`);
  const chosen = all.filter((suite) => (names.length ? names.includes(suite.name) : !suite.when || sanitizers));
  fs.mkdirSync(logs, { recursive: true });
  const results = [];
  for (const suite of chosen) results.push(await runSuite(suite));
  console.log(table(results));
  return results.some(({ failed }) => failed) ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
