// Brings node_modules to what package-lock.json says, and does nothing when it is there already.
//   node tools/node-packages.mjs
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

// npm leaves a copy of what it has installed; both list every package with its version and integrity.
function packagesOf(lockfile) {
  const { packages } = JSON.parse(readFileSync(lockfile, 'utf8'));
  return JSON.stringify(
    Object.entries(packages)
      .filter(([path]) => path !== '')
      .map(([path, entry]) => [path, entry.version, entry.integrity])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function isInstalled() {
  try {
    return packagesOf(join(root, 'node_modules/.package-lock.json')) === packagesOf(join(root, 'package-lock.json'));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

export function ensureNodePackages() {
  if (isInstalled()) return;
  const npm = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (npm.error || npm.status !== 0) {
    throw new Error(
      `npm ci failed (${npm.error?.message ?? `exit ${npm.status}`}); is npm installed and a registry reachable?`,
    );
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) ensureNodePackages();
