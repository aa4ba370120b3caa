// A network under random messages, honest and not. Everything follows from the seed. Messages wait in one queue and are
// taken in random order, but for what a chain guarantees: from one account to another they arrive as they were sent.
import assert from 'node:assert/strict';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { Blockchain, BlockchainTransaction, internal, SandboxContract, TreasuryContract } from '@ton/sandbox';
import { Client } from '../wrappers/Client';
import { Op, State } from '../wrappers/ops';
import { Params } from '../wrappers/params';
import { Proxy } from '../wrappers/Proxy';
import { header, signClose, signTokens } from '../wrappers/signed';
import { Worker } from '../wrappers/Worker';
import { codes, createChain, defaultParams, machineKey, nowhere, otherKey } from './network';

export class Random {
  constructor(private state: number) {}

  // mulberry32
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below = (limit: number) => Math.floor(this.next() * limit);
  chance = (probability: number) => this.next() < probability;
  pick = <T>(of: readonly T[]): T => of[this.below(of.length)];
  amount = (tons: number) => toNano((this.next() * tons).toFixed(9));
}

export type ClientBooks = { state: number; balance: bigint; tokens: bigint };
export type WorkerBooks = { state: number; tokens: bigint };
export type ProxyBooks = { state: number; balance: bigint; stake: bigint; unlockTs: number; deposits: bigint };

const loadClient = (data: Cell): ClientBooks => {
  const s = data.beginParse();
  const [state, balance] = [s.loadUint(2), s.loadCoins()];
  s.loadCoins();
  return { state, balance, tokens: s.loadUintBig(64) };
};

const loadWorker = (data: Cell): WorkerBooks => {
  const s = data.beginParse().skip(267 + 267 + 256);
  return { state: s.loadUint(2), tokens: s.loadUintBig(64) };
};

const loadProxy = (data: Cell): ProxyBooks => {
  const s = data.beginParse().skip(267 + 256 + 267);
  const [state, balance, stake, unlockTs] = [s.loadUint(2), s.loadCoins(), s.loadCoins(), s.loadUint(32)];
  return { state, balance, stake, unlockTs, deposits: data.refs[1]?.beginParse().loadCoins() ?? 0n };
};

type Owner = SandboxContract<TreasuryContract>;
type Queued = { info: { type: string; src?: Address; dest?: Address } };
type Queue = {
  messageQueue: Queued[];
  pushMessage(message: ReturnType<typeof internal>): Promise<void>;
  processTx(lock: boolean): Promise<{ done: boolean; value?: BlockchainTransaction }>;
};

const clientOps = [Op.clientChargeSigned, Op.clientGrantRefundSigned];
const workerOps = [Op.workerPayoutSigned, Op.workerLastPayoutSigned];

export class RandomNetwork {
  readonly log: string[] = [];
  // What honest signatures are worth, and what has become of them.
  charged = 0n; // nanoTON
  paid = 0n; // nanoTON to workers and as commission
  received = 0n; // nanoTON by owners of workers
  signedForWorkers = 0n; // tokens
  deposited = 0n; // nanoTON that came to stay
  refunded = 0n; // nanoTON to owners of clients
  forfeited = 0n; // nanoTON of forced refunds that the proxy contract did not have
  spentByAttacker = 0n; // nanoTON attached; messages are put into the queue, nobody's account is debited for them

  private constructor(
    readonly random: Random,
    readonly chain: Blockchain,
    readonly queue: Queue,
    readonly params: Params,
    readonly proxyOwner: Owner,
    readonly clientOwners: Owner[],
    readonly workerOwners: Owner[],
    readonly attacker: Owner,
    readonly proxy: Proxy,
    readonly clients: Client[],
    readonly workers: Worker[],
    readonly attackerStart: bigint,
    readonly cheatingKey: boolean,
    readonly closeWeight: number,
  ) {}

  static async create(seed: number): Promise<RandomNetwork> {
    const random = new Random(seed);
    const chain = await createChain();
    const price = BigInt(random.pick([1, 20, 1000]));
    const params = {
      ...defaultParams,
      isTest: random.chance(0.6),
      pricePerToken: price,
      workerFeePerToken: random.pick([price, (price * 19n) / 20n, 0n]),
      minClientStake: toNano(random.pick([0, 3, 15])),
      minProxyStake: toNano(random.pick([0, 5])),
    };
    const [proxyOwner, attacker, ...owners] = await Promise.all(
      ['proxyOwner', 'attacker', 'c0', 'c1', 'w0', 'w1'].map((name) => chain.treasury(name)),
    );
    const root = Address.parseRaw(`0:${'aa'.repeat(32)}`);
    const publicKey = machineKey.publicKey;
    const proxy = Proxy.createFromConfig({ owner: proxyOwner.address, publicKey, root, params, codes });
    const account = { proxy: proxy.address, proxyPublicKey: publicKey, params };
    const clients = owners
      .slice(0, 2)
      .map(({ address }) => Client.createFromConfig({ owner: address, ...account }, codes.client));
    const workers = owners
      .slice(2)
      .map(({ address }) => Worker.createFromConfig({ owner: address, ...account }, codes.worker));
    const queue = (chain as unknown as { createQueueManager(): Queue }).createQueueManager();
    const [clientOwners, workerOwners] = [owners.slice(0, 2), owners.slice(2)];
    const network = new RandomNetwork(
      random,
      chain,
      queue,
      params,
      proxyOwner,
      clientOwners,
      workerOwners,
      attacker,
      proxy,
      clients,
      workers,
      (await chain.getContract(attacker.address)).balance,
      random.chance(0.25),
      random.chance(0.4) ? 20 : 2,
    );
    const born = [...clients, ...workers, ...(random.chance(0.3) ? [] : [proxy])];
    for (const contract of born) await network.deploy(contract);
    return network;
  }

  async deploy({ address, init }: Client | Worker | Proxy) {
    this.log.push(`deploy ${address}`);
    const from = this.proxyOwner.address;
    const value = toNano('0.3');
    await this.chain.sendMessage(
      internal({ from, to: address, value, stateInit: init, body: Cell.EMPTY, bounce: false }),
    );
  }

  async isDeployed(): Promise<boolean> {
    return (await this.chain.getContract(this.proxy.address)).accountState?.type === 'active';
  }

  // --- what is stored

  private async data(address: Address): Promise<Cell> {
    const { accountState } = await this.chain.getContract(address);
    assert.ok(accountState?.type === 'active' && accountState.state.data);
    return accountState.state.data;
  }

  clientBooks = async (i: number) => loadClient(await this.data(this.clients[i].address));
  workerBooks = async (i: number) => loadWorker(await this.data(this.workers[i].address));
  proxyBooks = async (): Promise<ProxyBooks> =>
    (await this.isDeployed())
      ? loadProxy(await this.data(this.proxy.address))
      : { state: State.normal, balance: 0n, stake: 0n, unlockTs: 0, deposits: 0n };
  coins = async (address: Address) => (await this.chain.getContract(address)).balance;

  get now(): number {
    return this.chain.now!;
  }

  // --- the chain

  async send(from: Owner, to: Address, value: bigint, body: Cell, what: string) {
    this.log.push(`${what} (${value} nanoTON)`);
    if (from === this.attacker) this.spentByAttacker += value;
    await this.queue.pushMessage(internal({ from: from.address, to, value, body, bounce: true }));
  }

  get isQuiet(): boolean {
    return this.queue.messageQueue.length === 0;
  }

  // One transaction: of any message that no other from the same to the same account precedes.
  async step(): Promise<BlockchainTransaction> {
    const waiting = this.queue.messageQueue;
    const route = ({ info }: Queued) => `${info.src} ${info.dest}`;
    const first = waiting.filter((message, i) => waiting.findIndex((m) => route(m) === route(message)) === i);
    const chosen = this.random.pick(first);
    waiting.splice(waiting.indexOf(chosen), 1);
    waiting.unshift(chosen);
    const { value } = await this.queue.processTx(true);
    assert.ok(value);
    return value;
  }

  // --- what can happen

  private excesses(sender: Owner): Address {
    return this.random.chance(0.1) ? nowhere : sender.address;
  }

  private options(sender: Owner, honest = true) {
    const queryId = BigInt(this.random.below(4));
    return { queryId, sendExcessesTo: this.excesses(sender), secretKey: (honest ? machineKey : otherKey).secretKey };
  }

  private value(): bigint {
    return this.random.chance(0.15) ? this.random.amount(0.25) : toNano('0.7');
  }

  async topUp() {
    const i = this.random.below(2);
    const amount = this.random.amount(this.random.pick([0, 5, 30]));
    const sender = this.random.pick([this.clientOwners[i], this.attacker]);
    const body = header(Op.clientTopUp, 1n).storeCoins(amount).storeAddress(this.excesses(sender)).endCell();
    await this.send(sender, this.clients[i].address, amount + this.value(), body, `top up client ${i} by ${amount}`);
  }

  async ownerCall() {
    const i = this.random.below(2);
    const sender = this.random.chance(0.85) ? this.clientOwners[i] : this.attacker;
    const [op, name] = this.random.pick([
      [Op.clientWithdraw, 'withdraw'],
      [Op.clientWithdraw, 'withdraw'],
      [Op.clientRequestRefund, 'request refund'],
      [Op.clientRegister, 'register'],
      [Op.clientIncreaseStake, 'increase stake'],
      [Op.clientChangeSecretHash, 'change secret'],
    ] as const);
    const body = header(op, BigInt(this.random.below(4)));
    if (op === Op.clientRegister) body.storeUint(7, 64);
    if (op === Op.clientIncreaseStake) body.storeCoins(this.random.amount(20));
    if (op === Op.clientChangeSecretHash) body.storeUint(9, 256);
    body.storeAddress(this.excesses(sender));
    const who = sender === this.attacker ? 'attacker: ' : '';
    await this.send(sender, this.clients[i].address, this.value(), body.endCell(), `${who}${name} of client ${i}`);
  }

  async charge() {
    const i = this.random.below(2);
    const op = this.random.chance(0.9) ? clientOps[0] : clientOps[1];
    const { tokens } = await this.clientBooks(i);
    const more = BigInt(this.random.below(4_000_000_000)) / this.params.pricePerToken;
    const to = this.random.chance(0.8) ? tokens + more : more;
    const honest = this.random.chance(0.9);
    const sender = this.random.pick([this.proxyOwner, this.attacker]);
    const body = signTokens(op, this.clients[i].address, to, this.options(sender, honest));
    const name = `${honest ? '' : 'forged '}${op === clientOps[0] ? 'charge' : 'grant'} of client ${i} to ${to}`;
    await this.send(sender, this.clients[i].address, this.value(), body, name);
  }

  // Within what clients were charged, unless the machine key itself cheats.
  async payout() {
    const i = this.random.below(2);
    const op = this.random.chance(0.95) ? workerOps[0] : workerOps[1];
    const worth = this.cheatingKey ? toNano(20) : this.charged;
    const free = worth / this.params.pricePerToken - (this.cheatingKey ? 0n : this.signedForWorkers);
    const more = (free * BigInt(this.random.below(1001))) / 1000n;
    const { tokens } = await this.workerBooks(i);
    const to = this.random.chance(0.8) ? tokens + more : more;
    this.signedForWorkers += more;
    const sender = this.random.pick([this.proxyOwner, this.attacker]);
    const body = signTokens(op, this.workers[i].address, to, this.options(sender));
    await this.send(sender, this.workers[i].address, this.value(), body, `payout of worker ${i} to ${to}`);
  }

  async proxyCall() {
    const sender = this.random.pick([this.proxyOwner, this.attacker]);
    const amount = this.random.amount(10);
    const [body, value, name] = this.random.pick([
      [header(Op.proxyIncreaseStake, 1n).storeCoins(amount).storeAddress(this.excesses(sender)), amount, 'add stake'],
      [header(Op.proxyIncreaseStake, 1n).storeCoins(amount).storeAddress(this.excesses(sender)), amount, 'add stake'],
      [header(Op.proxyPayoutRequest, 1n).storeAddress(this.excesses(sender)), 0n, 'commission'],
      [beginCell().storeUint(0, 32).storeStringTail('w'), 0n, 'comment w'],
    ] as const);
    await this.send(sender, this.proxy.address, value + this.value(), body.endCell(), `${name} ${value}`);
  }

  async close() {
    const op = this.random.pick([Op.proxyCloseRequestSigned, Op.proxyCloseCompleteSigned, Op.proxyCloseCompleteSigned]);
    const body = signClose(op, this.proxy.address, this.options(this.proxyOwner, this.random.chance(0.7)));
    await this.send(this.proxyOwner, this.proxy.address, this.value(), body, `close ${op.toString(16)}`);
  }

  // What only a contract of ours may ask, asked by somebody else; and noise.
  async attack() {
    const payload = beginCell()
      .storeUint(this.random.pick([Op.clientProxyRefundGranted, Op.clientProxyRefundForce, Op.clientProxyTopUp]), 32)
      .storeCoins(this.random.amount(20))
      .storeAddress(this.attacker.address)
      .endCell();
    const payout = beginCell()
      .storeUint(Op.workerProxyPayout, 32)
      .storeCoins(this.random.amount(20))
      .storeCoins(0)
      .storeAddress(this.attacker.address)
      .endCell();
    const owner = this.random.pick([this.attacker, ...this.clientOwners]).address;
    const noise = beginCell().storeUint(this.random.pick(Object.values(Op)), 32);
    for (let bits = this.random.below(600); bits > 0; bits--) noise.storeBit(this.random.below(2));
    const [body, name] = this.random.pick([
      [header(Op.clientProxyRequest, 1n).storeAddress(owner).storeRef(Cell.EMPTY).storeMaybeRef(payload), 'as client'],
      [
        header(Op.workerProxyRequest, 1n).storeAddress(owner).storeUint(0, 2).storeUint(9, 64).storeMaybeRef(payout),
        'as worker',
      ],
      [header(Op.proxyClientReturnTopUp, 1n).storeCoins(toNano(9)).storeAddress(this.attacker.address), 'as proxy'],
      [noise, 'noise'],
    ] as const);
    const to = this.random.pick([this.proxy, ...this.clients, ...this.workers]).address;
    await this.send(this.attacker, to, this.value(), body.endCell(), `attack: ${name}`);
  }

  async act() {
    // A proxy node charges and pays when its contract is there. Others may send to it before.
    if (!(await this.isDeployed())) {
      if (this.random.chance(0.15)) return this.deploy(this.proxy);
      return this.random.chance(0.5) ? this.topUp() : this.ownerCall();
    }
    const weighted: [number, () => Promise<void>][] = [
      [25, () => this.topUp()],
      [20, () => this.ownerCall()],
      [20, () => this.charge()],
      [15, () => this.payout()],
      [8, () => this.proxyCall()],
      [this.closeWeight, () => this.close()],
      [9, () => this.attack()],
    ];
    let choice = this.random.below(weighted.reduce((sum, [weight]) => sum + weight, 0));
    const action = weighted.find(([weight]) => (choice -= weight) < 0);
    if (this.random.chance(0.15)) this.chain.now = this.now + this.random.below(90_000);
    await action![1]();
  }
}
