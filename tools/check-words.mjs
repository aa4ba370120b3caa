#!/usr/bin/env node
// What no file of the repository may say: node tools/check-words.mjs [ROOT]
// Registry hosts (a reader's registry is theirs to choose), paths of one machine, and marks of unfinished work.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { repositoryFiles, root as ownRoot } from './files.mjs';

// Written in pieces, so that this file passes its own check.
const kWords = [
  [new RegExp('\\bregist' + 'ry\\.[a-z0-9-]+\\.(org|com|net|io)\\b', 'i'), 'names a registry host'],
  [new RegExp('"resol' + 'ved":\\s*"http', 'i'), 'a lockfile that names a registry host'],
  [new RegExp('(^|[\\s"\'`=(:])/(wo' + 'rk|ro' + 'ot|ho' + 'me|tmp/bri' + 'ef)/', 'm'), 'a path of one machine'],
  [new RegExp('\\b(TO' + 'DO|FIX' + 'ME|XX' + 'X)\\b'), 'unfinished work'],
];
// The proof in a bare tree is root's own, inside that tree.
const kExempt = new Set(['tools/fresh-check']);
const kLargest = 2 << 20;

export function checkWords(root, files) {
  const problems = [];
  for (const file of files) {
    if (kExempt.has(file)) continue;
    const full = path.join(root, file);
    const stat = fs.statSync(full, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > kLargest) continue;
    const bytes = fs.readFileSync(full);
    if (bytes.includes(0)) continue;
    bytes
      .toString('utf8')
      .split('\n')
      .forEach((line, index) => {
        for (const [pattern, what] of kWords) if (pattern.test(line)) problems.push(`${file}:${index + 1}: ${what}`);
      });
  }
  return problems;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = process.argv[2] ?? ownRoot;
  const problems = checkWords(root, repositoryFiles(root));
  for (const problem of problems) console.log(problem);
  if (!problems.length) console.log('no forbidden words');
  process.exitCode = problems.length ? 1 : 0;
}
