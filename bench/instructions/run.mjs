#!/usr/bin/env node
// Instructions of each hot path (bench/hot_paths.cpp) under callgrind, beside the committed counts. They do not depend on
// what else the machine does, only on compiler and libraries.
//
//   bench/instructions/run.mjs [--write]
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'build/release/bin/hot_paths_count');
const file = new URL('counts.json', import.meta.url);
const times = 20;
const tolerance = 0.10;

export const possible = () => existsSync(program) && spawnSync('valgrind', ['--version']).status === 0;

function count(name, folder) {
  const out = join(folder, name);
  execFileSync('valgrind', ['--tool=callgrind', `--callgrind-out-file=${out}`, '--toggle-collect=cocoon_counted', program,
    name, String(times)], { stdio: 'ignore' });
  return Math.round(Number(/^(?:summary|totals): (\d+)/m.exec(readFileSync(out, 'utf8'))[1]) / times);
}

export function countAll() {
  const folder = mkdtempSync(join(tmpdir(), 'cocoon-count-'));
  try {
    return execFileSync(program, { encoding: 'utf8' }).trim().split('\n').map((line) => {
      const [name, unit] = line.split('\t');
      return { name, unit, instructions: count(name, folder) };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function report(counts, write = false) {
  const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  console.log('\n  instructions          now    committed     change');
  for (const { name, unit, instructions } of counts) {
    const then = known[name];
    const change = then ? (instructions - then) / then : 0;
    console.log(`  ${name.padEnd(15)} ${String(instructions).padStart(10)} ${String(then ?? '-').padStart(12)} ${`${(100 * change).toFixed(1)} %`.padStart(10)}${change > tolerance ? '   WORSE' : ''}   ${unit}`);
  }
  if (write) writeFileSync(file, `${JSON.stringify(Object.fromEntries(counts.map((c) => [c.name, c.instructions])), null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!possible()) throw new Error('this needs valgrind and build/release/bin/hot_paths_count (make bench builds it)');
  report(countAll(), process.argv.includes('--write'));
}
