// A network in the sandbox: proxy, client and worker contracts of three owners, deployed as nodes deploy them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Address, Cell, Message, toNano, Transaction } from '@ton/core';
import { KeyPair, keyPairFromSeed } from '@ton/crypto';
import { Blockchain, internal, SandboxContract, SendMessageResult, TreasuryContract } from '@ton/sandbox';
import { Client } from '../wrappers/Client';
import { Op } from '../wrappers/ops';
import { Codes, Params } from '../wrappers/params';
import { Proxy } from '../wrappers/Proxy';
import { signTokens } from '../wrappers/signed';
import { Worker } from '../wrappers/Worker';

export const START = 1_800_000_000;

export const machineKey = keyPairFromSeed(Buffer.alloc(32, 1));
export const otherKey = keyPairFromSeed(Buffer.alloc(32, 2));

// This file runs from build/contracts-test/tests.
export function loadCode(name: 'root' | 'proxy' | 'client' | 'worker' | 'wallet'): Cell {
  return Cell.fromBoc(readFileSync(join(__dirname, '../../contracts', `${name}.boc`)))[0];
}

export const codes: Codes = { proxy: loadCode('proxy'), worker: loadCode('worker'), client: loadCode('client') };

export const defaultParams: Params = {
  structVersion: 4,
  paramsVersion: 7,
  uniqueId: 239,
  isTest: true,
  pricePerToken: 20n,
  workerFeePerToken: 19n,
  promptMultiplier: 10_000,
  cachedMultiplier: 1_000,
  completionMultiplier: 80_000,
  reasoningMultiplier: 80_000,
  proxyDelayBeforeClose: 86_400,
  clientDelayBeforeClose: 43_200,
  minProxyStake: toNano(15),
  minClientStake: toNano(15),
};

// Mainnet's prices and TVM version, without the parameters that contracts do not see and that every transaction would read.
export async function createChain(): Promise<Blockchain> {
  const chain = await Blockchain.create({ config: 'slim' });
  chain.now = START;
  return chain;
}

export type Network = {
  chain: Blockchain;
  params: Params;
  proxyOwner: SandboxContract<TreasuryContract>;
  clientOwner: SandboxContract<TreasuryContract>;
  workerOwner: SandboxContract<TreasuryContract>;
  stranger: SandboxContract<TreasuryContract>;
  excesses: Address; // where the tests let excesses go, to be told apart from payouts
  proxy: SandboxContract<Proxy>;
  client: SandboxContract<Client>;
  worker: SandboxContract<Worker>;
};

export async function createNetwork(
  overrides: Partial<Params> = {},
  { deployProxy = true } = {},
): Promise<Network> {
  const chain = await createChain();
  const params = { ...defaultParams, ...overrides };
  const [proxyOwner, clientOwner, workerOwner, stranger, excesses] = await Promise.all(
    ['proxyOwner', 'clientOwner', 'workerOwner', 'stranger', 'excesses'].map((name) => chain.treasury(name)),
  );
  const proxyPublicKey = machineKey.publicKey;
  const root = Address.parseRaw(`0:${'aa'.repeat(32)}`);
  const proxy = chain.openContract(
    Proxy.createFromConfig({ owner: proxyOwner.address, publicKey: proxyPublicKey, root, params, codes }),
  );
  const account = { proxy: proxy.address, proxyPublicKey, params };
  const client = chain.openContract(Client.createFromConfig({ owner: clientOwner.address, ...account }, codes.client));
  const worker = chain.openContract(Worker.createFromConfig({ owner: workerOwner.address, ...account }, codes.worker));
  if (deployProxy) await proxy.sendDeploy(proxyOwner.getSender(), toNano('0.3'));
  await client.sendDeploy(clientOwner.getSender(), toNano('0.8'));
  await worker.sendDeploy(workerOwner.getSender(), toNano('0.3'));
  return {
    chain,
    params,
    proxyOwner,
    clientOwner,
    workerOwner,
    stranger,
    excesses: excesses.address,
    proxy,
    client,
    worker,
  };
}

export const signedBy = (key: KeyPair, { excesses }: Network, queryId = 1n) => ({
  queryId,
  sendExcessesTo: excesses,
  secretKey: key.secretKey,
});

export async function topUp({ client, clientOwner, excesses }: Network, amount: bigint): Promise<SendMessageResult> {
  return client.sendTopUp(clientOwner.getSender(), {
    value: amount + toNano('0.7'),
    amount,
    sendExcessesTo: excesses,
  });
}

export async function payWorker(network: Network, tokens: bigint): Promise<SendMessageResult> {
  const { worker, stranger } = network;
  const body = signTokens(Op.workerPayoutSigned, worker.address, tokens, signedBy(machineKey, network));
  return worker.sendBody(stranger.getSender(), toNano('0.7'), body);
}

// Sends a message and lets `count` transactions happen; what is under way then waits until the answer is called. So
// other messages come in between, as they do on a chain.
export async function holdAfter(
  chain: Blockchain,
  count: number,
  { from, to, value, body }: { from: Address; to: Address; value: bigint; body: Cell },
): Promise<() => Promise<void>> {
  const message = internal({ from, to, value, body, bounce: true });
  const transactions = await chain.sendMessageIter(message, { allowParallel: true });
  const iterator = transactions[Symbol.asyncIterator]();
  for (let i = 0; i < count; i++) assert.ok(!(await iterator.next()).done);
  return async () => {
    while (!(await iterator.next()).done);
  };
}

// --- what happened

const isOn = (address: Address) => (transaction: Transaction) =>
  transaction.address === BigInt(`0x${address.hash.toString('hex')}`);

export function transactionOn(result: SendMessageResult, address: Address): Transaction {
  const found = result.transactions.find(isOn(address));
  assert.ok(found, `no transaction on ${address}`);
  return found;
}

// The exit code of the first transaction on the account; or why its compute phase was skipped.
export function exitCode(result: SendMessageResult, address: Address): number | string {
  const { description } = transactionOn(result, address);
  assert.equal(description.type, 'generic');
  assert.ok(description.type === 'generic');
  const { computePhase } = description;
  return computePhase.type === 'vm' ? computePhase.exitCode : computePhase.reason;
}

export function assertOk(result: SendMessageResult, ...addresses: Address[]) {
  for (const address of addresses) {
    assert.equal(exitCode(result, address), 0);
    const { description } = transactionOn(result, address);
    assert.ok(description.type === 'generic' && !description.aborted);
  }
}

export type Sent = { op: number; value: bigint; bounce: boolean; body: Cell; message: Message };

// Messages from one account to another, oldest first.
export function sentTo(result: SendMessageResult, from: Address, to: Address): Sent[] {
  return result.transactions.filter(isOn(from)).flatMap((transaction) =>
    transaction.outMessages.values().flatMap((message) => {
      if (message.info.type !== 'internal' || !message.info.dest.equals(to)) return [];
      const body = message.body.beginParse();
      const op = body.remainingBits >= 32 ? body.loadUint(32) : 0;
      return [{ op, value: message.info.value.coins, bounce: message.info.bounce, body: message.body, message }];
    }),
  );
}

// All that an account received from others in these transactions.
export function receivedBy(result: SendMessageResult, address: Address): bigint {
  return result.transactions.filter(isOn(address)).reduce((sum, { inMessage }) => {
    const info = inMessage?.info;
    return sum + (info?.type === 'internal' ? info.value.coins : 0n);
  }, 0n);
}

// An address that exists as a number and nowhere else: a message to it cannot be sent.
export const nowhere = Address.parseRaw(`5:${'11'.repeat(32)}`);

// A workchain-0 address that nobody owns.
export const anybody = Address.parseRaw(`0:${'22'.repeat(32)}`);

export async function addStake({ proxy, proxyOwner, excesses }: Network, amount: bigint): Promise<SendMessageResult> {
  return proxy.sendIncreaseStake(proxyOwner.getSender(), {
    value: amount + toNano('0.2'),
    amount,
    sendExcessesTo: excesses,
  });
}

export const coinsOf = async ({ chain }: Network, address: Address) => (await chain.getContract(address)).balance;

// The proxy contract holds what its books say (I9): for clients and workers, as commission, as stake, for its storage.
export async function assertSolvent(network: Network): Promise<void> {
  const { balance, stake } = await network.proxy.getData();
  const owed = (await network.proxy.getDeposits()) + balance + stake + toNano('0.01');
  const coins = await coinsOf(network, network.proxy.address);
  assert.ok(coins >= owed, `the proxy contract holds ${coins} and owes ${owed}`);
}

// How much of what was attached did not come back as excesses or move as the amount: what the sender paid for gas.
export function cost(attached: bigint, moved: bigint, result: SendMessageResult, network: Network): bigint {
  const returned = [network.client, network.worker, network.proxy]
    .flatMap(({ address }) => sentTo(result, address, network.excesses))
    .reduce((sum, { value }) => sum + value, 0n);
  return attached - moved - returned;
}
