// The chain of a test's network as npm's ton-lite-client and @ton/core read it: shares no code with the nodes.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const { Address, Cell, loadTransaction } = require('@ton/core');
const { keyPairFromSeed } = require('@ton/crypto');
const { LiteClient, LiteSingleEngine } = require('ton-lite-client');

export class Chain {
  // Resolves when the liteserver answers.
  static async of(network) {
    const seed = readFileSync(join(network.state, 'keys/liteserver.key'), 'utf8').trim();
    const { publicKey } = keyPairFromSeed(Buffer.from(seed, 'hex'));
    const chain = new Chain();
    const host = `tcp://127.0.0.1:${network.portBase + 4000}`;
    chain.engine = new LiteSingleEngine({ host, publicKey, reconnectTimeout: 200 });
    chain.client = new LiteClient({ engine: chain.engine });
    // The engine does not dial again after an error.
    await new Promise((resolve, reject) => {
      const fail = (why) => { chain.close(); reject(new Error(`no liteserver at ${host}: ${why}`)); };
      const late = setTimeout(() => fail('it does not answer'), 20_000);
      chain.engine.once('ready', () => { clearTimeout(late); resolve(); });
      chain.engine.on('error', () => { clearTimeout(late); fail('refused'); });
    });
    return chain;
  }

  async head() {
    return (await this.client.getMasterchainInfo({ timeout: 10_000 })).last;
  }

  // The newest block, once it is `more` blocks further than now.
  async later(more = 1) {
    const now = await this.head();
    return (await this.client.getMasterchainInfo({ awaitSeqno: now.seqno + more, timeout: 20_000 })).last;
  }

  // { coins, data (a slice, or undefined), lastTx } at a block.
  async account(address, block) {
    const found = await this.client.getAccountState(address, block);
    const state = found.state?.storage.state;
    const data = state?.type === 'active' ? state.state.data : undefined;
    return { coins: found.balance.coins, data: data?.beginParse(), lastTx: found.lastTx };
  }

  // All transactions of an account up to this one (lastTx of account()), oldest first, each with its messages' hashes.
  async history(address, lastTx) {
    const out = [];
    let at = lastTx && { lt: lastTx.lt, hash: Buffer.from(lastTx.hash.toString(16).padStart(64, '0'), 'hex') };
    while (at && BigInt(at.lt) > 0n) {
      const list = await this.client.getAccountTransactions(address, String(at.lt), at.hash, 16);
      const page = Cell.fromBoc(list.transactions).map((cell) => loadTransaction(cell.beginParse()));
      if (page.length === 0) throw new Error(`the history of ${address} ends at ${at.lt}`);
      out.push(...page);
      const oldest = page.at(-1);
      at = { lt: oldest.prevTransactionLt, hash: Buffer.from(oldest.prevTransactionHash.toString(16).padStart(64, '0'), 'hex') };
    }
    return out.reverse();
  }

  close() {
    this.engine.close();
  }
}

export const parseAddress = (text) => Address.parse(text);

// Contract data, contracts.md 2.1.
export function readClient(data) {
  return { state: data.loadUint(2), balance: data.loadCoins(), stake: data.loadCoins(), tokens: data.loadUintBig(64) };
}
export function readWorker(data) {
  const owner = data.loadAddress();
  const proxy = data.loadAddress();
  data.skip(256);
  return { owner, proxy, state: data.loadUint(2), tokens: data.loadUintBig(64) };
}
export function readProxy(data) {
  const owner = data.loadAddress();
  data.skip(256);
  const root = data.loadAddress();
  return { owner, root, state: data.loadUint(2), commission: data.loadCoins(), stake: data.loadCoins() };
}
