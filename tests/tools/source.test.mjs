// The source keeps its own rules: arrows between rooms, words, layout.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import test from 'node:test';

import { checkArrows } from '../../tools/check-arrows.mjs';
import { checkWords } from '../../tools/check-words.mjs';
import { repositoryFiles, root } from '../../tools/files.mjs';
import { unformatted } from '../../tools/format.mjs';

test('every include keeps to tools/arrows.txt', () => {
  const { problems, files } = checkArrows(root);
  assert.ok(files > 0);
  assert.deepEqual(problems, []);
});

test('no file names a registry host, a path of one machine or unfinished work', () => {
  assert.deepEqual(checkWords(root, repositoryFiles()), []);
});

test('every C++ file is laid out by .clang-format', () => {
  assert.deepEqual(unformatted(), []);
});

test('every package in tools/apt-packages.txt has a name and a reason', () => {
  const lines = fs.readFileSync(`${root}/tools/apt-packages.txt`, 'utf8').split('\n');
  const packages = lines.filter((line) => /^[a-z]/.test(line));
  assert.ok(packages.length > 10);
  for (const line of packages) assert.match(line, /^[a-z0-9.+-]+(\s+\[(amd64|arm64)\])?(\s+have=[a-z]+:\d+)?\s+# \S/, line);
});

// What is a default of one verb would be a setting of another's tests.
test('make gives a verb no seeds and steps that nobody asked for', () => {
  const { SEED, SEEDS, STEPS, MINUTES, ...env } = process.env;
  const shown = (...words) => spawnSync('make', ['--no-print-directory', '-f', 'Makefile',
    '--eval', 'shown: ; @echo "[$$SEED$$SEEDS$$STEPS$$MINUTES]"', 'shown', ...words],
  { cwd: root, env: { ...env, MAKEFLAGS: '' }, encoding: 'utf8' }).stdout.trim();
  assert.equal(shown(), '[]');
  assert.equal(shown('STEPS=7'), '[7]');
});
