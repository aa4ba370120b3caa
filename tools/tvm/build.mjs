#!/usr/bin/env node
// The official TVM as a static library: npm tarball -> wasm -> C -> libtonemu.a
//
//   node build.mjs --key --cc gcc             prints the key of what would be built
//   node build.mjs --out DIR --cc gcc [-j N]  builds DIR/libtonemu.a and DIR/include, unless they are there
//
// The result depends only on the pinned tarball, these scripts, wabt, the compiler and its flags; the key
// names them all, so one directory build/tvm/KEY serves every preset and is built once.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindNames } from './bind-names.mjs';
import { lowerAtomics } from './lower-atomics.mjs';
import { patchHeader, splitC } from './split-c.mjs';

const kPackage = '@ton/sandbox';
const kWasmSha256 = '0c17fcac030b6871e96cc34d002223e5fb839af00c5b96cc461fbf9e71b0e75a';
const kScripts = ['build.mjs', 'bind-names.mjs', 'lower-atomics.mjs', 'split-c.mjs'];
const kUnits = 32;
/// Bounds are checked in the code (no guard pages, no signal handler), so that an out-of-bounds access is
/// a trap that the host can catch. Wrapping and aliasing are as WebAssembly defines them.
const kFlags = [
  '-std=gnu11', '-O1', '-g0', '-fPIC', '-w', '-fexceptions', '-fwrapv', '-fno-strict-aliasing',
  '-ffp-contract=off', '-fno-omit-frame-pointer', '-DWASM_RT_MEMCHECK_SIGNAL_HANDLER=0', '-DNDEBUG',
];

const here = path.dirname(fileURLToPath(import.meta.url));
const started = Date.now();

/// Ninja shows nothing of a command before its end; the step that runs ninja (tools/step.sh) shows this meanwhile.
function doing(text) {
  if (process.env.STEP_DOING) fs.writeFileSync(process.env.STEP_DOING, text);
}

function say(text) {
  console.log(`tvm: ${text} (${((Date.now() - started) / 1000).toFixed(0)} s)`);
  doing(`the TVM, once: ${text}\n`);
}

function fail(text) {
  console.error(`tvm: ${text}`);
  process.exit(1);
}

function run(program, args, options = {}) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 30, ...options });
  } catch (error) {
    if (error.code === 'ENOENT') fail(`${program} is missing: install the packages build-essential, wabt and nodejs`);
    fail(`${program} ${args.join(' ')} failed: ${(error.stderr ?? error.message).toString().trim().slice(-2000)}`);
  }
}

function parseArgs(argv) {
  const options = { key: false, out: '', cc: 'gcc', jobs: os.cpus().length };
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--key') options.key = true;
    else if (argv[i] === '--out') options.out = path.resolve(argv[++i] ?? '');
    else if (argv[i] === '--cc') options.cc = argv[++i];
    else if (argv[i] === '-j') options.jobs = Math.max(1, Number(argv[++i]) || 1);
    else fail(`unknown argument ${argv[i]}`);
  }
  if (!options.key && !options.out) fail('usage: build.mjs --key | --out DIR [--cc COMPILER] [-j N]');
  return options;
}

function buildKey(cc) {
  const hash = createHash('sha256');
  const entries = JSON.parse(fs.readFileSync(path.join(here, '..', 'npm-tarballs.json'), 'utf8'));
  hash.update(entries.find((e) => e.name === kPackage).integrity);
  for (const file of kScripts) {
    hash.update(fs.readFileSync(path.join(here, file)));
  }
  hash.update(run('wasm2c', ['--version']));
  hash.update(run(cc, ['-dumpfullversion', '-dumpmachine']));
  return hash.digest('hex').slice(0, 16);
}

/** Fetches the package and returns its directory. */
function fetchPackage(work) {
  const dir = path.join(work, 'package');
  run('node', [path.join(here, '..', 'npm-fetch.mjs'), kPackage, dir], { stdio: ['ignore', 'inherit', 'inherit'] });
  return dir;
}

function extractWasm(pkg, work) {
  const require = createRequire(path.join(pkg, 'package.json'));
  const wasm = Buffer.from(require('./dist/executor/emulator-emscripten.wasm.js').EmulatorEmscriptenWasm, 'base64');
  const digest = createHash('sha256').update(wasm).digest('hex');
  if (digest !== kWasmSha256) fail(`the module's sha256 is ${digest}, expected ${kWasmSha256}`);
  fs.writeFileSync(path.join(work, 'emu.wasm'), wasm);
}

function toC(work) {
  const at = (name) => path.join(work, name);
  run('wasm2wat', ['--enable-threads', at('emu.wasm'), '-o', at('emu.wat')]);
  const lowered = lowerAtomics(fs.readFileSync(at('emu.wat'), 'latin1').split('\n'));
  fs.writeFileSync(at('plain.wat'), lowered.join('\n'), 'latin1');
  run('wat2wasm', [at('plain.wat'), '-o', at('plain.wasm')]);
  run('wasm2c', [at('plain.wasm'), '-n', 'emu', '-o', at('emu.c')]);
}

/** Writes the C units and the header; returns the names of the units. */
function writeUnits(work, pkg, include) {
  const header = patchHeader(fs.readFileSync(path.join(work, 'emu.h'), 'latin1'));
  fs.mkdirSync(include, { recursive: true });
  fs.writeFileSync(path.join(include, 'emu.h'), header, 'latin1');
  const files = splitC(fs.readFileSync(path.join(work, 'emu.c'), 'latin1').split('\n'), kUnits);
  const dir = path.join(work, 'c');
  fs.mkdirSync(dir, { recursive: true });
  for (const [name, text] of files) fs.writeFileSync(path.join(dir, name), text, 'latin1');

  const glue = fs.readFileSync(path.join(pkg, 'dist/executor/emulator-emscripten.js'), 'utf8');
  const { names, imports } = bindNames(glue, header);
  fs.writeFileSync(path.join(include, 'emu_names.inc'), names);
  fs.writeFileSync(path.join(include, 'emu_imports.inc'), imports);

  const require = createRequire(path.join(pkg, 'package.json'));
  const config = Buffer.from(require('./dist/config/defaultConfig.js').defaultConfig, 'base64');
  fs.writeFileSync(
    path.join(dir, 'emu_config.c'),
    `const unsigned char tonemu_config_boc[] = {${[...config].join(',')}};\n` +
      `const unsigned long tonemu_config_boc_size = ${config.length};\n`,
  );
  return [...files.keys(), 'emu_config.c'].filter((name) => name.endsWith('.c'));
}

/** Compiles the units, `jobs` at a time, largest first; resolves to the object files. */
async function compile(options, work, include, units) {
  const source = (name) => path.join(work, 'c', name);
  const queue = [...units].sort((a, b) => fs.statSync(source(b)).size - fs.statSync(source(a)).size);
  const objects = [];
  let done = 0;
  const one = (name) =>
    new Promise((resolve, reject) => {
      const object = path.join(work, name.replace(/\.c$/, '.o'));
      const child = spawn(options.cc, [...kFlags, `-I${include}`, '-c', source(name), '-o', object], { stdio: ['ignore', 'inherit', 'inherit'] });
      child.on('error', reject);
      child.on('exit', (code) => (code === 0 ? resolve(object) : reject(new Error(`${options.cc} ${name}: exit ${code}`))));
    });
  const worker = async () => {
    for (let name = queue.shift(); name; name = queue.shift()) {
      objects.push(await one(name));
      if (++done % 4 === 0 || done === units.length) say(`compiled ${done}/${units.length}`);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, worker));
  return objects.sort();
}

/** Makes outputs that are there, but older than a script of the same content, look up to date to ninja. */
function freshen(out) {
  const scripts = [...kScripts.map((name) => path.join(here, name)), path.join(here, '..', 'npm-tarballs.json')];
  const newest = Math.max(...scripts.map((file) => fs.statSync(file).mtimeMs));
  const outputs = ['libtonemu.a', 'include/emu.h', 'include/emu_names.inc', 'include/emu_imports.inc'];
  for (const file of outputs.map((name) => path.join(out, name))) {
    if (fs.statSync(file).mtimeMs < newest) fs.utimesSync(file, new Date(), new Date());
  }
}

const options = parseArgs(process.argv.slice(2));
if (options.key) {
  console.log(buildKey(options.cc));
  process.exit(0);
}
const library = path.join(options.out, 'libtonemu.a');
if (fs.existsSync(library)) {
  freshen(options.out);
  process.exit(0);
}

fs.mkdirSync(options.out, { recursive: true });
const work = fs.mkdtempSync(path.join(options.out, '.work-'));
process.on('exit', () => {
  fs.rmSync(work, { recursive: true, force: true });
  doing('');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

say('building the TVM once, for every preset (about two CPU minutes)');
const pkg = fetchPackage(work);
extractWasm(pkg, work);
toC(work);
say('translated WebAssembly to C');
const include = path.join(options.out, 'include');
const units = writeUnits(work, pkg, include);
const objects = await compile(options, work, include, units).catch((error) => fail(error.message));
fs.copyFileSync(path.join(pkg, 'LICENSE'), path.join(options.out, 'LICENSE'));
run('ar', ['rcsD', path.join(work, 'libtonemu.a'), ...objects]);
fs.renameSync(path.join(work, 'libtonemu.a'), library);
say(`wrote ${path.relative(process.cwd(), library)}, ${(fs.statSync(library).size / 1e6).toFixed(1)} MB`);
