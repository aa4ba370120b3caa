// Random messages, and after each transaction what must hold whatever comes. A failure prints its seed:
//   SEED=n node tools/contracts-test.mjs            runs that one
//   SEEDS=1000 STEPS=200 node tools/contracts-test.mjs      runs longer
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Address, toNano } from '@ton/core';
import { BlockchainTransaction } from '@ton/sandbox';
import { Op, State } from '../wrappers/ops';
import { header, signClose, signTokens } from '../wrappers/signed';
import { machineKey } from './network';
import { ClientBooks, ProxyBooks, RandomNetwork, WorkerBooks } from './random-network';

// make hands on what it was not given as an empty word.
const env = (name: string, otherwise: number) => Number(process.env[name] || otherwise);
const steps = env('STEPS', 60);
const seeds = process.env.SEED ? [env('SEED', 0)] : Array.from({ length: env('SEEDS', 6) }, (_, i) => i + 1);

type Books = { clients: ClientBooks[]; workers: WorkerBooks[]; proxy: ProxyBooks };

async function booksOf(net: RandomNetwork): Promise<Books> {
  return {
    clients: [await net.clientBooks(0), await net.clientBooks(1)],
    workers: [await net.workerBooks(0), await net.workerBooks(1)],
    proxy: await net.proxyBooks(),
  };
}

const sum = (values: bigint[]) => values.reduce((total, value) => total + value, 0n);

function incoming(transaction: BlockchainTransaction) {
  const info = transaction.inMessage!.info;
  assert.ok(info.type === 'internal');
  const s = transaction.inMessage!.body.beginParse();
  const { description } = transaction;
  assert.ok(description.type === 'generic');
  const op = s.remainingBits >= 32 ? s.loadUint(32) : 0;
  return { op, bounced: info.bounced, worked: !description.aborted, from: info.src, value: info.value.coins };
}

// What a client contract asks for with a forced refund.
function forcedRefund(transaction: BlockchainTransaction): bigint | undefined {
  const s = transaction.inMessage!.body.beginParse().skip(96 + 267);
  s.loadRef();
  const payload = s.loadMaybeRef()?.beginParse();
  return payload?.loadUint(32) === Op.clientProxyRefundForce ? payload.loadCoins() : undefined;
}

const isOn =
  (transaction: BlockchainTransaction) =>
  ({ address }: { address: Address }) =>
    transaction.address === BigInt(`0x${address.hash.toString('hex')}`);

// What the transaction did to the books, for those who keep count independently of them.
function follow(net: RandomNetwork, transaction: BlockchainTransaction, before: Books, after: Books) {
  const { op, bounced, worked, from, value } = incoming(transaction);
  net.clients.forEach((_, i) => {
    const [was, is] = [before.clients[i], after.clients[i]];
    assert.ok(is.tokens >= was.tokens, 'a counter of charged tokens went back');
    const cost = (is.tokens - was.tokens) * net.params.pricePerToken;
    net.charged += cost < was.balance ? cost : was.balance;
    if (was.state === State.closed && is.state !== State.closed) assert.ok(bounced, 'a client reopened without a bounce');
  });
  net.workers.forEach((_, i) => {
    const [was, is] = [before.workers[i], after.workers[i]];
    if (is.tokens < was.tokens) assert.ok(bounced, 'a counter of paid tokens went back without a bounce');
  });
  if (op === Op.workerProxyRequest && worked && !bounced) {
    const taken = (p: ProxyBooks) => p.deposits + p.stake;
    net.paid += taken(before.proxy) - taken(after.proxy);
  }
  if (op === Op.payout && from?.equals(net.proxy.address) && net.clientOwners.some(isOn(transaction)))
    net.refunded += value;
  if (op === Op.payout && from?.equals(net.proxy.address) && net.workerOwners.some(isOn(transaction)))
    net.received += value;
  const [was, is] = [before.proxy, after.proxy];
  if (op === Op.clientProxyRequest && is.deposits > was.deposits) net.deposited += is.deposits - was.deposits;
  if (op === Op.clientProxyRequest && worked && !bounced) {
    const forced = forcedRefund(transaction);
    net.forfeited += forced === undefined ? 0n : forced - (was.deposits + was.stake - is.deposits - is.stake);
  }
  if (was.state !== State.closed && is.state === State.closed)
    assert.ok(was.state === State.closing && net.now >= was.unlockTs, 'the proxy closed before its delay had passed');
}

async function check(net: RandomNetwork, { clients, workers, proxy }: Books) {
  if (await net.isDeployed()) {
    const owed = proxy.deposits + proxy.balance + proxy.stake + toNano('0.01');
    const coins = await net.coins(net.proxy.address);
    assert.ok(coins >= owed, `I9: the proxy contract holds ${coins} and owes ${owed}`);
  }
  if (!net.isQuiet) return;
  const balances = sum(clients.map(({ balance }) => balance));
  const left = net.deposited - net.charged - net.refunded - net.forfeited;
  assert.equal(balances, left, 'balances of clients = deposited - charged - refunded');
  const tokens = sum(workers.map((worker) => worker.tokens));
  assert.equal(tokens * net.params.workerFeePerToken, net.received, 'counters of workers = what their owners received');
  if (!net.cheatingKey) {
    assert.equal(proxy.deposits, balances + net.charged - net.paid, 'deposits = balances of clients + charged - paid');
    assert.equal(tokens * net.params.pricePerToken, net.paid, 'counters of workers = paid');
  }
  const gained = (await net.coins(net.attacker.address)) - net.attackerStart - net.spentByAttacker;
  assert.ok(gained <= 0n, `the attacker gained ${gained}`);
}

async function settleTransaction(net: RandomNetwork, before: Books): Promise<Books> {
  const transaction = await net.step();
  const after = await booksOf(net);
  follow(net, transaction, before, after);
  await check(net, after);
  return after;
}

async function quieten(net: RandomNetwork, books: Books): Promise<Books> {
  let now = books;
  for (let i = 0; !net.isQuiet; i++) {
    assert.ok(i < 500, 'messages go round in circles');
    now = await settleTransaction(net, now);
  }
  return now;
}

// Everybody leaves by the ways that need nobody's consent; nobody is short by one nanoTON.
async function leave(net: RandomNetwork, books: Books) {
  let now = books;
  if (!(await net.isDeployed())) await net.deploy(net.proxy);
  for (let round = 0; round < 3; round++) {
    for (const i of [0, 1]) {
      const owner = net.clientOwners[i];
      const body = header(Op.clientRequestRefund, 1n).storeAddress(owner.address).endCell();
      await net.send(owner, net.clients[i].address, toNano('0.7'), body, `client ${i} leaves`);
    }
    now = await quieten(net, now);
    net.chain.now = net.now + net.params.clientDelayBeforeClose + 1;
  }
  assert.ok(now.clients.every(({ state, balance }) => state === State.closed && balance === 0n), 'clients have left');
  if (net.cheatingKey) return;
  assert.deepEqual([net.refunded, net.forfeited], [net.deposited - net.charged, 0n], 'clients have what is theirs');
  assert.equal(now.proxy.deposits, net.charged - net.paid);
  const unpaid = (net.charged - net.paid) / net.params.pricePerToken;
  if (now.proxy.state !== State.closed && unpaid > 0n && now.workers[0].state === State.normal) {
    const options = { queryId: 1n, sendExcessesTo: net.proxyOwner.address, secretKey: machineKey.secretKey };
    const tokens = now.workers[0].tokens + unpaid;
    const last = signTokens(Op.workerLastPayoutSigned, net.workers[0].address, tokens, options);
    await net.send(net.proxyOwner, net.workers[0].address, toNano('0.7'), last, 'last payout');
    now = await quieten(net, now);
    assert.ok(now.proxy.deposits < net.params.pricePerToken * 4n + 4n, 'what is left is rounding');
  }
  for (const op of [Op.proxyCloseRequestSigned, Op.proxyCloseCompleteSigned]) {
    const options = { queryId: 1n, sendExcessesTo: net.proxyOwner.address, secretKey: machineKey.secretKey };
    const body = signClose(op, net.proxy.address, options);
    await net.send(net.proxyOwner, net.proxy.address, toNano('0.7'), body, 'the proxy leaves');
    now = await quieten(net, now);
    net.chain.now = net.now + net.params.proxyDelayBeforeClose;
  }
  assert.deepEqual([now.proxy.state, now.proxy.stake, now.proxy.balance], [State.closed, 0n, 0n]);
}

async function run(seed: number) {
  const net = await RandomNetwork.create(seed);
  try {
    let books = await booksOf(net);
    for (let i = 0; i < steps; i++) {
      await net.act();
      while (!net.isQuiet && net.random.chance(0.75)) books = await settleTransaction(net, books);
    }
    await leave(net, await quieten(net, books));
  } catch (error) {
    (error as Error).message += `\nSEED=${seed} STEPS=${steps}, the last messages:\n  ${net.log.slice(-30).join('\n  ')}`;
    throw error;
  }
}

describe('properties', () => {
  for (const seed of seeds) test(`random messages keep every book balanced, seed ${seed}`, () => run(seed));
});
