#!/usr/bin/env node
// clang-tidy over the files that changed since they last passed: node tools/tidy.mjs [FILE...]
// A file has changed when it, a header of ours that it includes, its flags, .clang-tidy or the tool has. Needs build/tidy
// configured (tools/verb lint does it): compile commands of clang without precompiled headers.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { root } from './files.mjs';

const kTool = 'clang-tidy-16';
const build = path.join(root, 'build/tidy');
const passed = path.join(build, 'passed');
const contents = new Map();

function read(file) {
  if (!contents.has(file)) contents.set(file, fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined);
  return contents.get(file);
}

/** The file and every header of ours it reaches. */
function closure(file, seen = new Set()) {
  if (seen.has(file) || read(file) === undefined) return seen;
  seen.add(file);
  for (const [, name] of read(file).matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)) {
    closure(path.join(root, 'src', name), seen);
    closure(path.join(path.dirname(file), name), seen);
  }
  return seen;
}

function keyOf({ file, command }, common) {
  const hash = createHash('sha256').update(common).update(command);
  for (const name of [...closure(file)].sort()) hash.update(`\n${name}\n`).update(read(name));
  return hash.digest('hex');
}

// The analyzer follows paths; it does not understand coroutine frames, and in tests it finds GoogleTest's own.
function checksOf(file) {
  const coroutines = [...closure(file)].some((name) => /\bco_(await|return|yield)\b/.test(read(name)));
  return coroutines || file.endsWith('_test.cpp') ? ['--checks=-clang-analyzer-*'] : [];
}

function tidy(file) {
  return new Promise((resolve) => {
    const child = spawn(kTool, ['--quiet', ...checksOf(file), '-p', build, file], { cwd: root });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    // Its standard error counts warnings of system headers; only trouble in starting matters there.
    let trouble = '';
    child.stderr.on('data', (data) => (trouble += data));
    child.on('error', (error) => resolve({ status: 127, output: `cannot run ${kTool}: ${error.message}` }));
    child.on('close', (status) => resolve({ status, output: output || (status ? trouble : '') }));
  });
}

const database = path.join(build, 'compile_commands.json');
if (!fs.existsSync(database)) {
  console.error(`tidy: no ${path.relative(root, database)}: run 'make lint'`);
  process.exit(1);
}
const asked = process.argv.slice(2).map((name) => path.resolve(name));
const ours = (file) => ['src', 'tests', 'bench'].some((folder) => file.startsWith(path.join(root, folder) + path.sep));
const units = JSON.parse(fs.readFileSync(database, 'utf8'))
  .filter(({ file }) => file.endsWith('.cpp') && ours(file) && (!asked.length || asked.includes(file)))
  .filter(({ file }, index, list) => list.findIndex((other) => other.file === file) === index);
const common = `${spawnSync(kTool, ['--version'], { encoding: 'utf8' }).stdout}${read(path.join(root, '.clang-tidy'))}`;

fs.mkdirSync(passed, { recursive: true });
const changed = units
  .map((unit) => ({ file: unit.file, stamp: path.join(passed, keyOf(unit, common)) }))
  .filter(({ stamp }) => asked.length || !fs.existsSync(stamp));
let done = 0;
let failed = 0;
async function worker() {
  for (let unit = changed.shift(); unit; unit = changed.shift()) {
    const { status, output } = await tidy(unit.file);
    const name = path.relative(root, unit.file);
    console.log(`[${++done}/${done + changed.length}] ${name}${status ? ': FAILED' : ''}`);
    if (status) {
      failed++;
      console.log(output.replaceAll(`${root}/`, '').replace(/build\/tidy\/rooms\/[^/]+\//g, 'src/').trim());
    } else {
      fs.writeFileSync(unit.stamp, `${name}\n`);
    }
  }
}
const total = changed.length;
const jobs = Number(process.env.JOBS) || os.cpus().length;
await Promise.all(Array.from({ length: jobs }, worker));
console.log(`${units.length} files, ${total} looked at, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
