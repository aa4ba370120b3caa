// Runs the recorded scenarios against our contracts and compares with what the contracts of generation S4 did.
//
// Exact: which transactions happen, exit and action codes, skip reasons, bounces, states after each step, opcodes,
// destinations and bounce flags of all messages, decoded payloads, payout values, results of get-methods.
// Gas, fees and code hashes are an implementation's own; values that follow from them (excesses, forwarded remainders,
// account balances) must agree within 0.01 TON.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { buildContracts } from '../../tools/contracts-build.mjs';
import { root } from '../../tools/node-packages.mjs';

const contracts = ['root', 'proxy', 'client', 'worker', 'wallet'];
const TOLERANCE = 10_000_000n;

// Values that are exact whatever gas costs: what the owner of a client, worker or proxy is paid, and one-nanoTON notices.
const isExactValue = (message) => message.name === 'payout' || message.value === '1';

// Splits a step into what must be equal and the values that must be near.
function split(step, codeHashes) {
  const near = [];
  const value = (where, message) => {
    if (!isExactValue(message)) near.push([where, message.value]);
    return isExactValue(message) ? message.value : undefined;
  };
  const transaction = (tx, i) => {
    const where = `transaction ${i} (${tx.account})`;
    if (tx.received) return { ...tx, received: { ...tx.received, value: value(`${where} value`, tx.received) } };
    const { fee, compute, in: incoming, out, ...rest } = tx;
    const { gas, ...computed } = compute;
    return {
      ...rest,
      compute: computed,
      in: { ...incoming, value: incoming.value && value(`${where} value in`, incoming) },
      out: out.map((message, j) => ({ ...message, value: value(`${where} message ${j} value`, message) })),
    };
  };
  const account = ([name, { balance, ...rest }]) => {
    near.push([`balance of ${name}`, balance]);
    return [name, rest];
  };
  const exact = {
    ...step,
    transactions: step.transactions?.map(transaction),
    after: step.after && Object.fromEntries(Object.entries(step.after).map(account)),
  };
  return { exact: relabelCodes(exact, codeHashes), near };
}

// Code hashes stand in states (hex) and in what get-methods return (decimal).
function relabelCodes(value, codeHashes) {
  const labels = new Map(
    Object.entries(codeHashes).flatMap(([name, hash]) => [
      [hash, `code of ${name}`],
      [BigInt(`0x${hash}`).toString(), `code of ${name}`],
    ]),
  );
  return JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'string' ? (labels.get(v) ?? v) : v)));
}

function compareStep(actual, expected, actualCodes, expectedCodes) {
  const ours = split(actual, actualCodes);
  const theirs = split(expected, expectedCodes);
  assert.deepEqual(ours.exact, theirs.exact);
  assert.deepEqual(
    ours.near.map(([where]) => where),
    theirs.near.map(([where]) => where),
  );
  ours.near.forEach(([where, value], i) => {
    const difference = BigInt(value ?? 0) - BigInt(theirs.near[i][1] ?? 0);
    const distance = difference < 0n ? -difference : difference;
    assert.ok(distance <= TOLERANCE, `${expected.title}: ${where} is ${value}, recorded ${theirs.near[i][1]}`);
  });
}

const expected = JSON.parse(readFileSync(new URL('behaviour.json', import.meta.url), 'utf8'));

describe('contracts behave as recorded', () => {
  let actual;
  let codeHashes;

  before(async () => {
    await buildContracts();
    const require = createRequire(import.meta.url);
    const { Cell } = require('@ton/core');
    const { record } = require('./scenarios.cjs');
    const load = (name) => Cell.fromBoc(readFileSync(join(root, `build/contracts/${name}.boc`)))[0];
    const code = Object.fromEntries(contracts.map((name) => [name, load(name)]));
    codeHashes = Object.fromEntries(contracts.map((name) => [name, code[name].hash().toString('hex')]));
    actual = await record(code);
  });

  test('all scenarios, in order', () => {
    const names = (scenarios) => scenarios.map(({ name, steps }) => `${name}: ${steps.length}`);
    assert.deepEqual(names(actual), names(expected.scenarios));
  });

  expected.scenarios.forEach((scenario, i) =>
    test(scenario.name, () => {
      assert.deepEqual(actual[i].params, scenario.params);
      scenario.steps.forEach((step, j) => compareStep(actual[i].steps[j], step, codeHashes, expected.code_hashes));
    }),
  );
});
