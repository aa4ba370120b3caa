// What each operation costs in fees of the contracts that it passes through, in TON, against contracts/gas.json. Dearer by
// more than 2 % fails; what is meant, or has become cheaper, is written down with
//   GAS_TABLE=write node tools/contracts-test.mjs
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Address, fromNano, Sender, internal, toNano } from '@ton/core';
import { SandboxContract, SendMessageResult } from '@ton/sandbox';
import { Op } from '../wrappers/ops';
import { Root, signPublicKey } from '../wrappers/Root';
import { header, signClose, signTokens } from '../wrappers/signed';
import { Wallet, walletTransfer } from '../wrappers/Wallet';
import {
  addStake,
  codes,
  createChain,
  createNetwork,
  defaultParams,
  loadCode,
  machineKey,
  Network,
  payWorker,
  signedBy,
  START,
  topUp,
} from './network';

// This file runs from build/contracts-test/tests.
const table = join(__dirname, '../../../contracts/gas.json');
const TOLERANCE = 2n; // percent

type Operation = () => Promise<{ result: SendMessageResult; contracts: Address[] }>;

const inNetwork =
  (
    operation: (network: Network) => Promise<SendMessageResult>,
    prepare: (network: Network) => Promise<unknown> = (network) => topUp(network, toNano(20)),
    options: Parameters<typeof createNetwork> = [],
  ): Operation =>
  async () => {
    const network = await createNetwork(...options);
    await prepare(network);
    const result = await operation(network);
    return { result, contracts: [network.proxy.address, network.client.address, network.worker.address] };
  };

const call = ({ excesses }: Network, value = toNano('0.7')) => ({ value, sendExcessesTo: excesses });

const byMachine = (network: Network, op: number, to: 'client' | 'worker', tokens: bigint) =>
  network[to].sendBody(
    network.stranger.getSender(),
    toNano('0.7'),
    signTokens(op, network[to].address, tokens, signedBy(machineKey, network)),
  );

const closeProxy = (network: Network, op: number) =>
  network.proxy.sendBody(
    network.stranger.getSender(),
    toNano(1),
    signClose(op, network.proxy.address, signedBy(machineKey, network)),
  );

const inRoot =
  (operation: (root: SandboxContract<Root>, owner: Sender) => Promise<SendMessageResult>): Operation =>
  async () => {
    const chain = await createChain();
    const owner = await chain.treasury('owner');
    const keyManager = { publicKey: BigInt(`0x${machineKey.publicKey.toString('hex')}`), imageHash: 5n, address: '1:1' };
    const config = { owner: owner.address, version: 1, params: defaultParams, codes, keyManager };
    const root = chain.openContract(Root.createFromConfig(config, loadCode('root')));
    await root.sendDeploy(owner.getSender(), toNano('0.1'));
    return { result: await operation(root, owner.getSender()), contracts: [root.address] };
  };

const inWallet = (messages: number): Operation => {
  return async () => {
    const chain = await createChain();
    const owner = await chain.treasury('owner');
    const config = { publicKey: machineKey.publicKey, owner: owner.address };
    const wallet = chain.openContract(Wallet.createFromConfig(config, loadCode('wallet')));
    await wallet.sendFunds(owner.getSender(), toNano(10));
    const transfer = (seqno: number, count: number) =>
      wallet.sendExternal(
        walletTransfer({
          seqno,
          validUntil: START + 60,
          messages: Array.from({ length: count }, () => ({
            message: internal({ to: owner.address, value: toNano('0.1') }),
            mode: 1,
          })),
          secretKey: machineKey.secretKey,
        }),
      );
    await transfer(0, 0);
    return { result: await transfer(1, messages), contracts: [wallet.address] };
  };
};

const forcedRefund = (network: Network) => network.client.sendRequestRefund(network.clientOwner.getSender(), call(network));

async function waitForRefund(network: Network, deposit: bigint) {
  await topUp(network, deposit);
  await forcedRefund(network);
  network.chain.now = START + network.params.clientDelayBeforeClose + 1;
}

const operations: Record<string, Operation> = {
  'client: top up': inNetwork((n) => topUp(n, toNano(5))),
  'client: change secret hash and top up': inNetwork((n) =>
    n.client.sendChangeSecretHashAndTopUp(n.clientOwner.getSender(), {
      ...call(n, toNano('5.7')),
      amount: toNano(5),
      secretHash: 9n,
    }),
  ),
  'client: register': inNetwork((n) => n.client.sendRegister(n.clientOwner.getSender(), { ...call(n), nonce: 7n })),
  'client: change secret hash': inNetwork((n) =>
    n.client.sendChangeSecretHash(n.clientOwner.getSender(), { ...call(n), secretHash: 9n }),
  ),
  'client: increase stake': inNetwork((n) =>
    n.client.sendIncreaseStake(n.clientOwner.getSender(), { ...call(n), stake: toNano(16) }),
  ),
  'client: withdraw': inNetwork((n) => n.client.sendWithdraw(n.clientOwner.getSender(), call(n))),
  'client: request refund, surplus paid': inNetwork(forcedRefund),
  'client: request refund, no surplus': inNetwork(forcedRefund, (n) => topUp(n, toNano(5))),
  'client: forced refund': inNetwork(forcedRefund, (n) => waitForRefund(n, toNano(5))),
  'client: charge': inNetwork((n) => byMachine(n, Op.clientChargeSigned, 'client', 1_000_000n)),
  'client: granted refund': inNetwork((n) => byMachine(n, Op.clientGrantRefundSigned, 'client', 1_000_000n)),
  'client: granted refund that bounces': inNetwork(
    (n) => byMachine(n, Op.clientGrantRefundSigned, 'client', 0n),
    async (n) => {
      await topUp(n, toNano(15));
      await payWorker(n, 700_000_000n);
    },
  ),
  'client: top-up that bounces': inNetwork(
    (n) => topUp(n, toNano(5)),
    async () => {},
    [{}, { deployProxy: false }],
  ),
  'client: top-up that is returned': inNetwork((n) => topUp(n, toNano(5)), async () => {}, [{ isTest: false }]),
  'worker: register': inNetwork((n) => n.worker.sendRegister(n.workerOwner.getSender(), call(n))),
  'worker: payout': inNetwork((n) => byMachine(n, Op.workerPayoutSigned, 'worker', 1_000_000n)),
  'worker: last payout': inNetwork((n) => byMachine(n, Op.workerLastPayoutSigned, 'worker', 1_000_000n)),
  'worker: payout that bounces': inNetwork((n) => byMachine(n, Op.workerPayoutSigned, 'worker', 10n ** 12n)),
  'proxy: increase stake': inNetwork((n) => addStake(n, toNano(5))),
  'proxy: commission payout': inNetwork(
    (n) => n.proxy.sendPayoutRequest(n.stranger.getSender(), call(n, toNano('0.2'))),
    async (n) => {
      await topUp(n, toNano(20));
      await payWorker(n, 100_000_000n);
    },
  ),
  'proxy: state commit': inNetwork((n) =>
    n.proxy.sendBody(n.proxyOwner.getSender(), 1n, header(Op.doNotProcess, 1n).storeUint(Op.proxySaveState, 32).storeUint(1, 288).endCell()),
  ),
  'proxy: close by the owner': inNetwork((n) => n.proxy.sendClose(n.proxyOwner.getSender(), call(n))),
  'proxy: close request': inNetwork((n) => closeProxy(n, Op.proxyCloseRequestSigned)),
  'proxy: close complete': inNetwork(
    (n) => closeProxy(n, Op.proxyCloseCompleteSigned),
    async (n) => {
      await topUp(n, toNano(20));
      await addStake(n, toNano(5));
      await closeProxy(n, Op.proxyCloseRequestSigned);
      n.chain.now = START + n.params.proxyDelayBeforeClose;
    },
  ),
  'root: add hash': inRoot((root, owner) => root.sendAddHash(owner, 'worker', 1n)),
  'root: register proxy': inRoot((root, owner) => root.sendRegisterProxy(owner, '10.0.0.1:5222 10.0.0.1:8888')),
  'root: change price': inRoot((root, owner) => root.sendChangePrice(owner, 30n, 28n)),
  'root: change all params': inRoot((root, owner) => root.sendChangeAllParams(owner, defaultParams)),
  'root: upgrade contracts': inRoot((root, owner) => root.sendUpgradeContracts(owner, codes)),
  'root: add public key': inRoot((root, owner) =>
    root.sendAddPublicKey(owner, { publicKey: 1n, keyType: 1, expireAt: START + 100 }),
  ),
  'root: add public key, signed': inRoot((root, owner) =>
    root.sendBody(
      owner,
      toNano('0.4'),
      signPublicKey(
        { publicKey: 1n, keyType: 1, expireAt: START + 100 },
        { queryId: 1n, sendExcessesTo: root.address, secretKey: machineKey.secretKey },
      ),
    ),
  ),
  'wallet: external without messages': inWallet(0),
  'wallet: external with one message': inWallet(1),
  'wallet: external with four messages': inWallet(4),
};

// Fees of the transactions on our contracts, and of the messages that they sent.
function feesOf({ transactions }: SendMessageResult, contracts: Address[]): bigint {
  const ours = new Set(contracts.map(({ hash }) => BigInt(`0x${hash.toString('hex')}`)));
  return transactions
    .filter(({ address }) => ours.has(address))
    .reduce((sum, { totalFees, outMessages }) => {
      const forward = outMessages.values().map(({ info }) => (info.type === 'internal' ? info.forwardFee : 0n));
      return forward.reduce((total, fee) => total + fee, sum + totalFees.coins);
    }, 0n);
}

describe('gas', () => {
  const known = JSON.parse(readFileSync(table, 'utf8')) as Record<string, string>;
  const measured: Record<string, string> = {};

  for (const [name, operation] of Object.entries(operations)) {
    test(`${name} does not become dearer`, async (context) => {
      const { result, contracts } = await operation();
      const cost = feesOf(result, contracts);
      measured[name] = fromNano(cost);
      if (process.env.GAS_TABLE === 'write') return;
      assert.ok(name in known, `contracts/gas.json lacks "${name}": GAS_TABLE=write adds it`);
      const was = toNano(known[name]);
      const change = `${name} costs ${fromNano(cost)} TON, in contracts/gas.json ${known[name]}`;
      assert.ok(cost * 100n <= was * (100n + TOLERANCE), `${change}; if that is meant: GAS_TABLE=write`);
      if (cost * 100n < was * (100n - TOLERANCE)) context.diagnostic(`${change}: cheaper, GAS_TABLE=write keeps it`);
    });
  }

  test('the table names what is measured, and nothing else', () => {
    if (process.env.GAS_TABLE === 'write') writeFileSync(table, `${JSON.stringify(measured, null, 2)}\n`);
    else assert.deepEqual(Object.keys(known), Object.keys(operations));
  });
});
