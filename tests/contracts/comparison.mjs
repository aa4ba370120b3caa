// Compares a step of a scenario, as our contracts did it, with the same step as it was written down.
//
// Exact: which transactions happen, exit and action codes, skip reasons, bounces, states after each step, opcodes,
// destinations and bounce flags of all messages, decoded payloads, payout values, results of get-methods.
// Gas, fees and code hashes are an implementation's own; values that follow from them (excesses, forwarded remainders,
// account balances) must agree within 0.01 TON.
import assert from 'node:assert/strict';

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
export function relabelCodes(value, codeHashes) {
  const labels = new Map(
    Object.entries(codeHashes).flatMap(([name, hash]) => [
      [hash, `code of ${name}`],
      [BigInt(`0x${hash}`).toString(), `code of ${name}`],
    ]),
  );
  return JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'string' ? (labels.get(v) ?? v) : v)));
}

// Throws where the steps differ.
export function compareStep(actual, expected, actualCodes, expectedCodes) {
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
    assert.ok(distance <= TOLERANCE, `${expected.title}: ${where} is ${value}, expected ${theirs.near[i][1]}`);
  });
}

export function agree(...steps) {
  try {
    compareStep(...steps);
    return true;
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error;
    return false;
  }
}

// Runs all scenarios against the contracts of build/contracts.
export async function recordOurs() {
  const { readFileSync } = await import('node:fs');
  const { createRequire } = await import('node:module');
  const { join } = await import('node:path');
  const { buildContracts } = await import('../../tools/contracts-build.mjs');
  const { root } = await import('../../tools/node-packages.mjs');
  await buildContracts();
  const require = createRequire(import.meta.url);
  const { Cell } = require('@ton/core');
  const load = (name) => Cell.fromBoc(readFileSync(join(root, `build/contracts/${name}.boc`)))[0];
  const code = Object.fromEntries(['root', 'proxy', 'client', 'worker', 'wallet'].map((name) => [name, load(name)]));
  const hashes = Object.fromEntries(Object.entries(code).map(([name, cell]) => [name, cell.hash().toString('hex')]));
  return { scenarios: await require('./scenarios.cjs').record(code), codeHashes: hashes };
}
