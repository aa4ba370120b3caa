// Compiles the contracts: contracts/src/*.tolk -> build/contracts/*.boc and contracts.json.
//   node tools/contracts-build.mjs [--force]
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureNodePackages, root } from './node-packages.mjs';

const contracts = ['root', 'proxy', 'client', 'worker', 'wallet'];
const sources = join(root, 'contracts/src');
const output = join(root, 'build/contracts');
const manifest = join(output, 'contracts.json');

function tolkFiles(directory = '') {
  return readdirSync(join(sources, directory), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? tolkFiles(path) : entry.name.endsWith('.tolk') ? [path] : [];
    })
    .sort();
}

// Everything the codes depend on: the sources, the compiler and this script.
function fingerprint() {
  const hash = createHash('sha256');
  const add = (text) => hash.update(`${Buffer.byteLength(text)}\n`).update(text);
  for (const file of tolkFiles()) (add(file), add(readFileSync(join(sources, file), 'utf8')));
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of ['@ton/tolk-js', '@ton/core']) add(devDependencies[name]);
  add(readFileSync(new URL(import.meta.url), 'utf8'));
  return hash.digest('hex');
}

function isCurrent(sourcesHash) {
  if (!existsSync(manifest) || contracts.some((name) => !existsSync(join(output, `${name}.boc`)))) return false;
  try {
    return JSON.parse(readFileSync(manifest, 'utf8')).sources === sourcesHash;
  } catch {
    return false;
  }
}

async function compile(name) {
  const { runTolkCompiler } = await import('@ton/tolk-js');
  const { Cell } = await import('@ton/core');
  const result = await runTolkCompiler({
    entrypointFileName: `${name}.tolk`,
    fsReadCallback: (path) => readFileSync(join(sources, path), 'utf8'),
  });
  if (result.status === 'error') throw new Error(`contracts/src/${result.message}`);
  if (result.stderr) process.stderr.write(`contracts/src/${result.stderr}\n`);
  const [cell] = Cell.fromBoc(Buffer.from(result.codeBoc64, 'base64'));
  return { compiler: result.tolkVersion, cell };
}

// A reader never sees half a file.
function write(file, data) {
  writeFileSync(`${file}.new`, data);
  renameSync(`${file}.new`, file);
}

// Returns whether there was something to do.
export async function buildContracts({ force = false } = {}) {
  const sourcesHash = fingerprint();
  if (!force && isCurrent(sourcesHash)) return false;
  ensureNodePackages();
  mkdirSync(output, { recursive: true });
  const built = { sources: sourcesHash, compiler: '', contracts: {} };
  for (const name of contracts) {
    const { compiler, cell } = await compile(name);
    const boc = cell.toBoc({ idx: false, crc32: true });
    built.compiler = `tolk ${compiler}`;
    built.contracts[name] = { hash: cell.hash().toString('hex'), depth: cell.depth(), boc: boc.toString('hex') };
    write(join(output, `${name}.boc`), boc);
  }
  write(manifest, `${JSON.stringify(built, null, 1)}\n`);
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const worked = await buildContracts({ force: process.argv.includes('--force') });
    const { contracts: built } = JSON.parse(readFileSync(manifest, 'utf8'));
    for (const [name, { hash, boc }] of Object.entries(built)) {
      console.log(
        `${name.padEnd(6)} ${hash} ${String(boc.length / 2).padStart(5)} bytes${worked ? '' : ' (up to date)'}`,
      );
    }
  } catch (error) {
    console.error(`contracts: ${error.message}`);
    process.exitCode = 1;
  }
}
