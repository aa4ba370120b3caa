// libcocoon-attest as other programs meet it: installed, found by pkg-config, linked from C, loaded by Node.js.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';

import { load } from '../../bindings/node/index.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const build = process.env.COCOON_BUILD ?? path.join(root, 'build/release');
const data = path.join(root, 'src/tee/testdata/attestation');
const prefix = mkdtempSync(path.join(tmpdir(), 'cocoon-attest-'));
const library = path.join(prefix, 'lib');

// A synthetic quote with its collateral under a root of its own (testdata/attestation/CASES.tsv).
const [, line] = readFileSync(path.join(data, 'CASES.tsv'), 'utf8').split('\n');
const [, , inputs, at, verdict] = line.split('\t');
const files = Object.fromEntries(inputs.split(';').map((input) => input.split('=')).map(([key, file]) => [key, path.join(data, file)]));
const read = (key) => readFileSync(files[key]);
const seconds = Date.parse(at) / 1000;
const rootHash = createHash('sha256').update(readFileSync(files.root)).digest();

before(() => {
  execFileSync('cmake', ['--install', build, '--prefix', prefix, '--component', 'attest']);
});
after(() => rmSync(prefix, { recursive: true }));

const pkgConfig = (...args) =>
  execFileSync('pkg-config', [...args, 'cocoon-attest'], {
    encoding: 'utf8',
    env: { ...process.env, PKG_CONFIG_PATH: path.join(library, 'pkgconfig') },
  }).trim();

test('the example in C judges a quote', () => {
  const program = path.join(prefix, 'attest');
  const flags = (text) => text.split(/\s+/).map((flag) => flag.replaceAll(pkgConfig('--variable=prefix'), prefix));
  execFileSync('cc', ['-std=c11', '-Wall', '-Wextra', '-Werror', '-o', program, path.join(root, 'examples/attest.c'),
    ...flags(pkgConfig('--cflags')), ...flags(pkgConfig('--libs'))]);
  const run = (...args) =>
    spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, LD_LIBRARY_PATH: library } });
  const collateral = ['tcbinfo', 'qeid', 'tcbsigner', 'qesigner', 'pckcrl', 'rootcrl'].map((key) => files[key]);
  const good = run(files.quote, String(seconds), ...collateral, rootHash.toString('hex'));
  assert.equal(good.stdout.trim(), verdict, good.stderr);
  assert.equal(good.status, 0);
  const unknown = run(files.quote, String(seconds), ...collateral);
  assert.match(unknown.stdout, /^REJECT:UNTRUSTED_ROOT\n/, 'our root is none of the vendors');
  assert.equal(unknown.status, 1);
  const late = run(files.quote, String(seconds + 10 * 365 * 86400), ...collateral, rootHash.toString('hex'));
  assert.match(late.stdout, /^REJECT:/);
});

test('the library shows its C interface and nothing else', () => {
  const file = path.join(library, 'libcocoon-attest.so');
  const shown = execFileSync('nm', ['-D', '--defined-only', '--format=just-symbols', file], { encoding: 'utf8' });
  const names = shown.trim().split('\n').map((name) => name.replace(/@.*/, ''));
  assert.ok(names.includes('cocoon_attest_intel'));
  assert.deepEqual(names.filter((name) => !/^cocoon_(attest|verdict)_/.test(name)), []);
});

test('the library needs OpenSSL, the C library, and what reads manifests', () => {
  const dynamic = execFileSync('readelf', ['-d', path.join(library, 'libcocoon-attest.so')], { encoding: 'utf8' });
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*?)\]/g)].map(([, name]) => name.replace(/\.so.*/, ''));
  const allowed = ['libcrypto', 'libxml2', 'libxmlsec1', 'libxmlsec1-openssl', 'libc', 'libm', 'libpthread', 'ld-linux-x86-64', 'ld-linux-aarch64'];
  assert.deepEqual(needed.filter((name) => !allowed.includes(name)), []);
  assert.ok(needed.includes('libcrypto'));
});

const collateral = {
  tcbInfo: read('tcbinfo'), qeIdentity: read('qeid'), tcbSigner: read('tcbsigner'),
  qeSigner: read('qesigner'), pckCrl: read('pckcrl'), rootCrl: read('rootcrl'),
};
const demands = { at: new Date(at), extraRoots: rootHash };

test('Node.js judges a quote', () => {
  const attest = load(path.join(build, 'lib/cocoon_attest.node'));
  const good = attest.intel({ quote: read('quote'), collateral, demands });
  assert.equal(good.text, verdict, good.problem);
  assert.equal(good.accepted, true);
  assert.equal(good.kind, 'tdx');
  assert.ok(good.checks.length > 10);
  assert.ok(good.checks.every((check) => check.state !== 'failed'));
  for (const place of [0, 100, 600, 650, 700, 1000]) {
    const changed = Buffer.from(read('quote'));
    changed[place] ^= 1;
    assert.match(attest.intel({ quote: changed, collateral, demands }).text, /^REJECT:/, `byte ${place}`);
  }
  const bound = { ...demands, reportData: Buffer.alloc(64, 0x55) };
  assert.equal(attest.intel({ quote: read('quote'), collateral, demands: bound }).text, 'REJECT:REPORT_DATA_MISMATCH');
  assert.match(attest.intel({ quote: read('quote'), collateral, demands: { at: new Date(at) } }).text, /^REJECT:UNTRUSTED_ROOT$/);
});

test('Node.js: bad evidence is a verdict, bad arguments throw', () => {
  const attest = load(path.join(build, 'lib/cocoon_attest.node'));
  const empty = new Uint8Array(0);
  assert.match(attest.intel({ quote: empty, demands }).text, /^REJECT:/);
  assert.match(attest.snp({ report: empty, endorsement: empty, demands }).text, /^REJECT:/);
  assert.match(attest.nvidia({ evidence: empty, chain: empty, demands }).text, /^REJECT:/);
  assert.throws(() => attest.intel({ quote: 'text', demands }), TypeError);
  assert.throws(() => attest.intel({ quote: empty, demands: {} }), /at/);
  assert.throws(() => attest.intel({ quote: empty, demands: { ...demands, maxVmpl: 9 } }), TypeError);
  assert.throws(() => attest.intel({ quote: empty, demands: { ...demands, extraRoots: Buffer.alloc(31) } }), TypeError);
  assert.throws(() => attest.nvidia({ evidence: empty, chain: empty, collateral: { rims: ['xml'] }, demands }), TypeError);
});
