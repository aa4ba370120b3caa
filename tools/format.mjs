#!/usr/bin/env node
// One layout of the source: node tools/format.mjs lays it out, node tools/format.mjs --check says which files differ.
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

import { isCpp, repositoryFiles, root } from './files.mjs';

const kTool = 'clang-format-16';

function run(args) {
  const result = spawnSync(kTool, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.error) throw new Error(`cannot run ${kTool}: ${result.error.message}; 'make format' installs it`);
  return result;
}

/** The files whose layout differs from .clang-format. */
export function unformatted(files = repositoryFiles().filter(isCpp)) {
  if (!files.length) return [];
  const { stderr, status } = run(['--dry-run', '--ferror-limit=1', '-Werror', ...files]);
  const differing = [...new Set([...stderr.matchAll(/^(.+?):\d+:\d+: error: code should be clang-formatted/gm)].map((m) => m[1]))];
  if (status !== 0 && !differing.length) throw new Error(`${kTool} failed: ${stderr.slice(0, 500)}`);
  return differing;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const files = repositoryFiles().filter(isCpp);
  const differing = unformatted(files);
  if (process.argv[2] === '--check') {
    for (const file of differing) console.log(`${file}: differs from .clang-format ('make format' lays it out)`);
    process.exitCode = differing.length ? 1 : 0;
  } else if (differing.length) {
    run(['-i', ...differing]);
  }
  console.log(`${files.length} files, ${differing.length} ${process.argv[2] === '--check' ? 'differ' : 'laid out'}`);
}
