// The files that belong to the repository, tracked or about to be: paths relative to its root.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const kNotOurs = new Set(['.git', 'build', 'node_modules', '.cache', 'state', 'shared']);

function walk(directory, base) {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) return directory === base && kNotOurs.has(entry.name) ? [] : walk(full, base);
    return [path.relative(base, full)];
  });
}

export function repositoryFiles(base = root) {
  const git = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: base, maxBuffer: 1 << 28 });
  // An unpacked archive has no git: then everything outside the folders that the build makes.
  if (git.error || git.status !== 0) return walk(base, base);
  const names = git.stdout.toString().split('\0').filter(Boolean);
  return [...new Set(names)].filter((name) => fs.statSync(path.join(base, name), { throwIfNoEntry: false })?.isFile());
}

export const isCpp = (file) => /\.(cpp|hpp)$/.test(file) && !file.includes('/testdata/');
