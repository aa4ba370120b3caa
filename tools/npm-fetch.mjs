#!/usr/bin/env node
// Fetches one pinned npm tarball and unpacks it: node tools/npm-fetch.mjs NAME DESTDIR [PATH...]
//
// The version and its sha512 integrity stand in npm-tarballs.json; the tarball is kept in build/npm/ (or
// $COCOON_NPM_CACHE), so a second call needs no network. PATHs are inside the package and choose what is
// unpacked; without them the entry's own `paths`, else everything. `npm pack` downloads the one tarball
// and none of its dependencies, and asks whatever registry npm is configured for.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const cacheDir = process.env.COCOON_NPM_CACHE || path.join(here, '..', 'build', 'npm');
const kTries = 3;
const kStampName = '.npm-fetch';

function fail(message) {
  console.error(`npm-fetch: ${message}`);
  process.exit(1);
}

function integrityOf(file) {
  return 'sha512-' + createHash('sha512').update(fs.readFileSync(file)).digest('base64');
}

/** Runs `npm pack` in a directory of its own, so that two calls at once never see half a file. */
function download(entry, target) {
  const work = fs.mkdtempSync(path.join(cacheDir, '.pack-'));
  try {
    const spec = `${entry.name}@${entry.version}`;
    for (let attempt = 1; ; attempt++) {
      console.log(`npm-fetch: downloading ${spec}${attempt > 1 ? ` (try ${attempt})` : ''}`);
      const run = spawnSync('npm', ['pack', '--silent', spec], { cwd: work, encoding: 'utf8' });
      if (run.error) fail(`cannot run npm: ${run.error.message}; install Node.js and npm`);
      if (run.status === 0) break;
      if (attempt === kTries) {
        fail(`npm pack ${spec} failed: ${(run.stderr || run.stdout).trim()}; check the network and run again`);
      }
    }
    const got = fs.readdirSync(work).filter((f) => f.endsWith('.tgz'));
    if (got.length !== 1) fail(`npm pack ${spec} wrote ${got.length} tarballs, expected one`);
    const file = path.join(work, got[0]);
    if (integrityOf(file) !== entry.integrity) {
      fail(`${spec}: the tarball's integrity is ${integrityOf(file)}, expected ${entry.integrity}; refusing it`);
    }
    fs.renameSync(file, target);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

function unpack(tarball, dest, paths, stampName, stampText) {
  // What we remove was made by us: a directory without our mark is somebody's own.
  if (fs.existsSync(dest) && fs.readdirSync(dest).length && !fs.existsSync(path.join(dest, stampName))) {
    fail(`${dest} exists and was not made by npm-fetch; remove it or choose another directory`);
  }
  fs.mkdirSync(path.dirname(dest), { recursive: true });
  const work = fs.mkdtempSync(`${dest}.new-`);
  const inside = paths.map((p) => `package/${p}`);
  execFileSync('tar', ['-xzf', tarball, '-C', work, '--strip-components=1', ...inside], { stdio: 'inherit' });
  fs.chmodSync(work, 0o755);
  fs.writeFileSync(path.join(work, stampName), stampText);
  fs.rmSync(dest, { recursive: true, force: true });
  fs.renameSync(work, dest);
}

const [name, destArg, ...chosen] = process.argv.slice(2);
if (!name || !destArg) fail('usage: npm-fetch.mjs NAME DESTDIR [PATH...]');
const entries = JSON.parse(fs.readFileSync(path.join(here, 'npm-tarballs.json'), 'utf8'));
const entry = entries.find((e) => e.name === name);
if (!entry) fail(`${name} is not in npm-tarballs.json (known: ${entries.map((e) => e.name).join(', ')})`);

const dest = path.resolve(destArg);
const paths = chosen.length ? chosen : (entry.paths ?? []);
const stamp = path.join(dest, kStampName);
const wanted = JSON.stringify({ name, version: entry.version, integrity: entry.integrity, paths });
if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) process.exit(0);

fs.mkdirSync(cacheDir, { recursive: true });
const tarball = path.join(cacheDir, `${name.replace(/^@/, '').replace('/', '-')}-${entry.version}.tgz`);
if (!fs.existsSync(tarball) || integrityOf(tarball) !== entry.integrity) download(entry, tarball);
unpack(tarball, dest, paths, kStampName, wanted);
console.log(`npm-fetch: ${name}@${entry.version} -> ${path.relative(process.cwd(), dest) || '.'}`);
