// Builds the contracts and runs all their tests: contracts/tests, and what tests/contracts asks of them.
//   node tools/contracts-test.mjs [arguments of node --test]
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildContracts } from './contracts-build.mjs';
import { ensureNodePackages, root } from './node-packages.mjs';

function run(...command) {
  const { status, error } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

ensureNodePackages();
await buildContracts();
run(createRequire(import.meta.url).resolve('typescript/bin/tsc'), '-p', 'contracts');
const specs = readdirSync(join(root, 'contracts/tests'))
  .filter((name) => name.endsWith('.spec.ts'))
  .map((name) => join('build/contracts-test/tests', name.replace(/\.ts$/, '.js')));
const others = readdirSync(join(root, 'tests/contracts'))
  .filter((name) => name.endsWith('.test.mjs'))
  .map((name) => join('tests/contracts', name));
run('--test', ...process.argv.slice(2), ...specs, ...others);
