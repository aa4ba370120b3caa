// npm's ton-lite-client, which many applications use, against our liteserver: what it reads is what the chain holds.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { beginCell, Cell, contractAddress, external, loadTransaction, parseTuple, storeMessage, toNano } = require('@ton/core');
const { keyPairFromSeed, sign } = require('@ton/crypto');
const { LiteClient, LiteSingleEngine } = require('ton-lite-client');
const { Codecs } = require('ton-lite-client/dist/schema');

const root = fileURLToPath(new URL('../..', import.meta.url));
const cocoon = process.env.COCOON ?? path.join(root, 'build/release/bin/cocoon');
const cases = JSON.parse(readFileSync(path.join(root, 'src/devnet/testdata/tvm_cases.json'), 'utf8'));

const serverKey = keyPairFromSeed(Buffer.alloc(32, 0x17));
const owner = keyPairFromSeed(Buffer.alloc(32, 7));
const code = Cell.fromBase64(cases.get_method.code); // counter.tolk
const data = beginCell().storeUint(77, 32).storeUint(5, 32).storeBuffer(owner.publicKey).endCell();
const counter = contractAddress(0, { code, data });

// cocoon.devnet.faucet account:liteServer.accountId nano:long = liteServer.SendMsgStatus
const faucet = {
  encodeRequest: (request, writer) => {
    writer.writeInt32(0xadd7df42 | 0);
    writer.writeInt32(0);
    writer.writeInt256(request.address.hash);
    writer.writeInt64(request.nano.toString());
  },
  decodeResponse: (reader) => Codecs.liteServer_SendMsgStatus.decode(reader),
};

/** What makes the counter add `by`. */
function additionBody(by, signedBy = owner) {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(by);
  return beginCell().storeBuffer(sign(number, signedBy.secretKey)).storeBuffer(number).endCell();
}

/** The same as an external message; `deploy` brings the contract along. */
function addition(by, { deploy = false, signedBy = owner } = {}) {
  const message = external({ to: counter, init: deploy ? { code, data } : undefined, body: additionBody(by, signedBy) });
  return beginCell().store(storeMessage(message)).endCell().toBoc();
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

class Devnet {
  async start() {
    this.directory ??= mkdtempSync(path.join(tmpdir(), 'cocoon-interop-'));
    this.port ??= await freePort();
    const file = (name) => path.join(this.directory, name);
    writeFileSync(file('liteserver.key'), '17'.repeat(32), { mode: 0o600 });
    writeFileSync(file('devnet.toml'), `[devnet]\nlisten = "127.0.0.1:${this.port}"\nkey_file = "${file('liteserver.key')}"\n` +
      `treasury_key_file = "${file('treasury.key')}"\ndata = "${file('chain.sqlite')}"\nblock_interval = 0.1\n`);
    this.process = spawn(cocoon, ['devnet', '--config', file('devnet.toml')], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    this.exited = new Promise((resolve) => this.process.on('exit', (exitCode) => resolve(exitCode)));
    await new Promise((resolve, reject) => {
      this.process.on('error', reject);
      this.process.on('exit', (exitCode) => reject(new Error(`the devnet ended with ${exitCode}: ${log}`)));
      this.process.stderr.on('data', (chunk) => {
        log += chunk;
        if (log.includes('liteserver at')) resolve();
      });
    });
    this.engine = new LiteSingleEngine({ host: `tcp://127.0.0.1:${this.port}`, publicKey: serverKey.publicKey });
    await new Promise((resolve) => this.engine.once('ready', resolve));
    this.client = new LiteClient({ engine: this.engine });
  }

  async stop() {
    this.engine?.close();
    this.process?.kill('SIGTERM');
    return this.exited;
  }

  /** The newest block, at least `more` after the one that is newest now. */
  async block(more = 1) {
    const { last } = await this.client.getMasterchainInfo();
    const { last: next } = await this.client.getMasterchainInfo({ awaitSeqno: last.seqno + more, timeout: 10_000 });
    assert.ok(next.seqno >= last.seqno + more);
    return next;
  }

  async count() {
    const result = await this.client.runMethod(counter, 'currentCounter', beginCell().storeUint(0, 24).endCell().toBoc(), await this.block());
    assert.equal(result.exitCode, 0);
    return Number(parseTuple(Cell.fromBase64(result.result))[0].value);
  }
}

const devnet = new Devnet();
before(() => devnet.start());
after(async () => {
  await devnet.stop();
  rmSync(devnet.directory, { recursive: true, force: true });
});

test('time, version and the newest block', async () => {
  const version = await devnet.client.getVersion();
  assert.equal(version.version, 0x101);
  assert.ok(Math.abs(await devnet.client.getCurrentTime() - Date.now() / 1000) < 60);
  const block = await devnet.block();
  assert.equal(block.workchain, -1);
  const ext = await devnet.client.getMasterchainInfoExt();
  assert.ok(ext.last.seqno >= block.seqno);
});

test('a balance appears when the faucet pays', async () => {
  const before = await devnet.client.getAccountState(counter, await devnet.block());
  assert.equal(before.balance.coins, 0n);
  assert.equal(before.lastTx, null);
  await devnet.engine.query(faucet, { address: counter, nano: toNano('3') }, { timeout: 5000 });
  const after = await devnet.client.getAccountState(counter, await devnet.block(2));
  assert.equal(after.balance.coins, toNano('3'));
  assert.equal(after.state.storage.state.type, 'uninit');
  assert.notEqual(after.lastTx, null);
});

test('an external message deploys a contract, another changes it', async () => {
  await devnet.client.sendMessage(addition(1, { deploy: true }));
  await devnet.block(2);
  assert.equal(await devnet.count(), 6);
  await devnet.client.sendMessage(addition(10));
  await devnet.block(2);
  assert.equal(await devnet.count(), 16);
  const { state, balance } = await devnet.client.getAccountState(counter, await devnet.block());
  assert.equal(state.storage.state.type, 'active');
  assert.ok(balance.coins < toNano('3'), 'fees have been paid');
});

test('a refused message says with which exit code', async () => {
  await assert.rejects(devnet.client.sendMessage(addition(1, { signedBy: serverKey })), /exitcode=401/);
  await assert.rejects(devnet.client.sendMessage(Buffer.from('nonsense')), /external message/);
  assert.equal(await devnet.count(), 16);
});

test('transactions are the account\'s own, linked from the newest back', async () => {
  const { lastTx } = await devnet.client.getAccountState(counter, await devnet.block());
  const hash = Buffer.from(lastTx.hash.toString(16).padStart(64, '0'), 'hex');
  const list = await devnet.client.getAccountTransactions(counter, lastTx.lt.toString(), hash, 10);
  const cells = Cell.fromBoc(list.transactions);
  assert.equal(cells.length, 3);
  assert.equal(list.ids.length, 3);
  assert.deepEqual(cells[0].hash(), hash);
  const transactions = cells.map((cell) => loadTransaction(cell.beginParse()));
  for (let i = 0; i + 1 < transactions.length; i++) {
    assert.equal(transactions[i].prevTransactionLt, transactions[i + 1].lt);
    assert.equal(transactions[i].prevTransactionHash, BigInt('0x' + cells[i + 1].hash().toString('hex')));
  }
  assert.equal(transactions[2].inMessage.info.type, 'internal');
  assert.equal(transactions[0].inMessage.info.type, 'external-in');
});

test('blocks are found by seqno, logical time and time', async () => {
  const block = await devnet.block();
  const found = await devnet.client.lookupBlockByID(block);
  assert.deepEqual(found.id.rootHash, block.rootHash);
  const header = await devnet.client.getBlockHeader(block);
  assert.deepEqual(header.headerProof, found.headerProof);
  const proof = Cell.fromBoc(header.headerProof)[0];
  assert.deepEqual(proof.refs[0].hash(0), block.rootHash);
  const shards = await devnet.client.getAllShardsInfo(block);
  assert.equal(Object.values(shards.shards['0'])[0], block.seqno);
  const byTime = await devnet.client.lookupBlockByUtime({ shard: block.shard, workchain: -1, utime: Math.floor(Date.now() / 1000) });
  assert.ok(byTime.id.seqno >= block.seqno);
});

test('the configuration is readable', async () => {
  const extra = await devnet.client.getConfig(await devnet.block());
  const parameters = extra.config;
  assert.ok(parameters.has(20) && parameters.has(25), 'gas and forwarding prices');
  const globalId = parameters.get(19).beginParse().loadInt(32);
  assert.equal(globalId, -7310);
});

test('an opened contract works through the provider', async () => {
  const provider = devnet.client.provider(counter);
  const { stack } = await provider.get('currentCounter', []);
  assert.equal(stack.readNumber(), 16);
  assert.equal((await provider.getState()).state.type, 'active');
  await provider.external(additionBody(4));
  await devnet.block(2);
  assert.equal(await devnet.count(), 20);
});

test('balances and blocks survive a restart', async () => {
  const before = await devnet.client.getAccountState(counter, await devnet.block());
  const seqno = before.block.seqno;
  assert.equal(await devnet.stop(), 0, 'SIGTERM ends it cleanly');
  await devnet.start();
  const block = await devnet.block();
  assert.ok(block.seqno > seqno);
  const after = await devnet.client.getAccountState(counter, block);
  assert.equal(after.balance.coins, before.balance.coins);
  assert.equal(await devnet.count(), 20);
});
