// Follows every nanoTON of a quiet network through the chain's own records. Knows the rules of TON and of Cocoon's
// contracts (contracts.md), and shares no code with the nodes or their ledger.
import { createRequire } from 'node:module';
import { readClient, readProxy, readWorker } from './chain.mjs';

const require = createRequire(import.meta.url);
const { beginCell, storeMessage } = require('@ton/core');

const kGenesis = 4_000_000_000_000_000_000n;  // nanoTON that the devnet's treasury begins with
const kProxyFloor = 10_000_000n;              // what stays on a proxy contract

const op = {
  top_up: 0xf172e6c2,
  change_secret_and_top_up: 0x8473b408,
  client_proxy_request: 0x65448ff4,
  refund_granted: 0xc68ebc7b,
  refund_force: 0xf4c354c9,
  payout: 0xc59a7cd3,
};

const sum = (list, value = (x) => x) => list.reduce((total, x) => total + value(x), 0n);
const hashOf = (message) => beginCell().store(storeMessage(message)).endCell().hash().toString('hex');
const internalsOf = (transaction) => [...transaction.outMessages.values()].filter((m) => m.info.type === 'internal');

function opcodeOf(message) {
  const body = message.body.beginParse();
  return body.remainingBits >= 32 ? body.loadUint(32) : undefined;
}

const succeeded = ({ description }) => description.type === 'generic' && !description.aborted &&
  description.computePhase.type === 'vm' && description.computePhase.success;

// Every account that ever exchanged a message with one of `seeds`, with its history.
async function readAll(chain, seeds) {
  const accounts = new Map();
  const waiting = [...seeds];
  while (waiting.length > 0) {
    const address = waiting.pop();
    const name = address.toRawString();
    if (accounts.has(name)) continue;
    const { coins, data, lastTx } = await chain.account(address, await chain.head());
    const transactions = await chain.history(address, lastTx);
    accounts.set(name, { address, coins, data, lastTx, transactions });
    for (const t of transactions) {
      const source = t.inMessage?.info.type === 'internal' ? [t.inMessage.info.src] : [];
      waiting.push(...source, ...internalsOf(t).map((m) => m.info.dest));
    }
  }
  return accounts;
}

// A long history takes longer to read than the chain keeps the states of a block. So each account is read as it is now,
// and it counts when none has moved in the end.
async function collect(chain, seeds) {
  for (let attempt = 0; attempt < 5; ++attempt) {
    const accounts = await readAll(chain, seeds);
    const block = await chain.later(2);
    const moved = [];
    for (const [name, { address, lastTx }] of accounts) {
      const now = await chain.account(address, block);
      if (now.lastTx?.lt !== lastTx?.lt) moved.push(name);
    }
    if (moved.length === 0) return accounts;
  }
  throw new Error('the network is not quiet: accounts move while they are read');
}

// The field that @ton/core calls ihrFee holds flags since TVM 12 (how a bounce looks), no coins.
//
// Coins go nowhere but where a transaction says: each account's balance follows from its history, each message that
// arrived was sent, each that was sent has arrived.
function followCoins(accounts, problems) {
  const sent = new Map();
  const arrived = new Map();
  let fees = 0n;
  for (const [name, { coins, transactions }] of accounts) {
    const treasury = transactions[0] !== undefined && transactions[0].inMessage?.info.type === 'external-in' &&
      transactions[0].oldStatus === 'active';
    let balance = treasury ? kGenesis : 0n;
    for (const t of transactions) {
      const message = t.inMessage;
      if (message?.info.type === 'internal') {
        balance += message.info.value.coins;
        arrived.set(hashOf(message), name);
      }
      for (const m of internalsOf(t)) {
        balance -= m.info.value.coins + m.info.forwardFee;
        fees += m.info.forwardFee;
        sent.set(hashOf(m), m.info.dest.toRawString());
      }
      balance -= t.totalFees.coins;
      fees += t.totalFees.coins;
    }
    if (balance !== coins) problems.push(`${name} holds ${coins}, its history leads to ${balance}`);
  }
  for (const [hash, to] of sent) if (arrived.get(hash) !== to) problems.push(`message ${hash} to ${to} has not arrived`);
  for (const [hash, at] of arrived) if (!sent.has(hash)) problems.push(`message ${hash} at ${at} was sent by nobody`);
  const total = sum([...accounts.values()], (a) => a.coins) + fees;
  if (total !== kGenesis) problems.push(`${total} nanoTON are on accounts and in fees, the chain began with ${kGenesis}`);
  return fees;
}

// What a client paid ahead and got back, by the history of its contract.
function depositsOf(transactions) {
  let deposits = 0n;
  let refunds = 0n;
  for (const t of transactions.filter(succeeded)) {
    const message = t.inMessage;
    const code = message?.info.type === 'internal' && !message.info.bounced ? opcodeOf(message) : undefined;
    if (code === op.top_up || code === op.change_secret_and_top_up)
      deposits += message.body.beginParse().skip(96).loadCoins();
    for (const m of internalsOf(t).filter((out) => opcodeOf(out) === op.client_proxy_request)) {
      const body = m.body.beginParse().skip(96);
      body.loadAddress();
      body.loadRef();
      const payload = body.loadMaybeRef()?.beginParse();
      const kind = payload?.loadUint(32);
      if (kind === op.refund_granted || kind === op.refund_force) refunds += payload.loadCoins();
    }
  }
  return { deposits, refunds };
}

const paidTo = (transactions, owner) => sum(
  transactions.flatMap(internalsOf).filter((m) => opcodeOf(m) === op.payout && m.info.dest.equals(owner)),
  (m) => m.info.value.coins);

// `clients`, `workers`: addresses of contracts at `proxy`; `wallets`: further accounts to begin with; prices in nanoTON
// per adjusted token. Returns { problems, ... }: no problem means that every nanoTON is explained.
export async function audit(chain, { proxy, clients, workers, wallets, price, fee }) {
  const problems = [];
  const accounts = await collect(chain, [proxy, ...clients, ...workers, ...wallets]);
  const fees = followCoins(accounts, problems);
  const equal = (what, a, b) => { if (a !== b) problems.push(`${what}: ${a} and ${b}`); };

  const proxyAccount = accounts.get(proxy.toRawString());
  const state = readProxy(proxyAccount.data);
  let charged = 0n;
  let balances = 0n;
  for (const address of clients) {
    const { data, transactions } = accounts.get(address.toRawString());
    const client = readClient(data);
    const { deposits, refunds } = depositsOf(transactions);
    equal(`client ${address}: paid ahead less refunds and balance, and charged`, deposits - refunds - client.balance,
      price * client.tokens);
    charged += client.tokens;
    balances += client.balance;
  }
  let paid = 0n;
  for (const address of workers) {
    const { data } = accounts.get(address.toRawString());
    if (!data) continue;  // never paid, so never deployed
    const worker = readWorker(data);
    equal(`worker ${address}: arrived at its owner, and earned`, paidTo(proxyAccount.transactions, worker.owner),
      fee * worker.tokens);
    paid += worker.tokens;
  }
  equal('tokens charged to clients and paid to workers', charged, paid);
  equal('commission in the contract and withdrawn, and what follows from the payouts',
    state.commission + paidTo(proxyAccount.transactions, state.owner), (price - fee) * paid);
  const owed = state.stake + state.commission + balances + price * (charged - paid);
  if (proxyAccount.coins < owed + kProxyFloor)
    problems.push(`the proxy contract holds ${proxyAccount.coins} and owes ${owed}`);
  return { problems, charged, paid, balances, fees, accounts: accounts.size,
    transactions: [...accounts.values()].reduce((n, a) => n + a.transactions.length, 0) };
}
