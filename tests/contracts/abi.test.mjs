// The contracts know every opcode and exit code of the ABI, and the wrappers name the same ones.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const contracts = new URL('../../contracts/', import.meta.url);
const read = (path) => readFileSync(new URL(path, contracts), 'utf8');
const tolk = ['src/', 'src/common/']
  .flatMap((folder) => readdirSync(new URL(folder, contracts)).map((name) => folder + name))
  .filter((path) => path.endsWith('.tolk'))
  .map(read)
  .join('\n');
const ops = read('wrappers/ops.ts');
const numbers = (text, pattern) => [...text.matchAll(pattern)].map(([, number]) => Number(number)).sort((a, b) => a - b);

// Only the node reads it; for the contracts it is part of an ignored message.
const PROXY_SAVE_STATE = 0x53109c0f;
// Ours, beyond the ABI or declared there without a body.
const OURS = [0x5462b890, 0x9f1e69dc];

test('every opcode of the ABI is declared by a contract, and nothing else but ours', () => {
  const { OP } = createRequire(import.meta.url)('./abi.cjs');
  const declared = new Set(numbers(tolk, /^struct \((0x[0-9a-f]{8})\)/gm).filter((op) => op !== 0));
  const abi = new Set(Object.values(OP).filter((op) => op !== PROXY_SAVE_STATE));
  assert.deepEqual([...declared].sort(), [...abi, ...OURS].sort());
});

test('the wrappers have the same opcodes', () => {
  const wrapped = numbers(ops, /: (0x[0-9a-f]{8}),/g).filter((op) => op !== PROXY_SAVE_STATE);
  const declared = numbers(tolk, /^struct \((0x[0-9a-f]{8})\)/gm).filter((op) => op !== 0);
  assert.deepEqual(wrapped, [...new Set(declared)]);
});

test('every exit code of the ABI is declared, thrown, and named by the wrappers', () => {
  const constants = [...tolk.matchAll(/^const (ERR_\w+) = (\d+)/gm)].map(([, name, code]) => ({ name, code: Number(code) }));
  const abi = [
    5, 9, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1030, 1031, 1032, 1033,
    1034, 1035, 1040, 1041, 2000,
  ];
  const codes = constants.map(({ code }) => code);
  for (const code of abi) assert.ok(codes.includes(code), `${code} is not declared`);
  assert.deepEqual(numbers(ops, /^ {2}\w+: (\d+),/gm), [...codes].sort((a, b) => a - b));
  for (const { name } of constants) {
    const uses = tolk.match(new RegExp(`\\b${name}\\b`, 'g')).length;
    assert.ok(uses >= 2, `${name} is declared and never thrown`);
  }
});

test('the states are those of the ABI', () => {
  assert.deepEqual(numbers(tolk, /^const STATE_\w+ = (\d)/gm), [0, 1, 2]);
  assert.match(ops, /normal: 0, closing: 1, closed: 2/);
});
