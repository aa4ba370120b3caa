// Records what the JavaScript build of the TVM answers, for tvm_test.cpp to compare with byte by byte.
//
//   node record_tvm_cases.cjs SANDBOX > tvm_cases.json
//
// SANDBOX: the whole package @ton/sandbox, unpacked beside @ton/core, @ton/ton, @ton/crypto and @ton/tolk-js 1.3.0.
const path = require('path');
const fs = require('fs');
const sandbox = path.resolve(process.argv[2]);
const from = (name) => require(require.resolve(name, { paths: [sandbox] }));
const { beginCell, Cell, Address, storeMessage, external, internal, toNano, contractAddress, storeShardAccount, serializeTuple, SendMode } = from('@ton/core');
const { keyPairFromSeed, sign } = from('@ton/crypto');
const { WalletContractV4, WalletContractV5R1, WalletContractV3R2 } = from('@ton/ton');
const { runTolkCompiler } = from('@ton/tolk-js');
const { Executor } = require(sandbox + '/dist/executor/Executor');
const { defaultConfig } = require(sandbox + '/dist/config/defaultConfig');
const { createHash } = require('crypto');

const kNow = 1800000000;
const kMutations = 1000;
const keys = keyPairFromSeed(Buffer.alloc(32, 7));
// Without a checksum: a mutated message must get past it.
const boc = (cell) => cell.toBoc({ idx: false, crc32: false }).toString('base64');

function shardAccount(addr, code, data, balance) {
  const account = { addr, storage: { lastTransLt: 0n, balance: { coins: balance }, state: { type: 'active', state: { code, data } } },
    storageStats: { used: { cells: 0n, bits: 0n, publicCells: 0n }, lastPaid: kNow - 1000, duePayment: null } };
  return beginCell().store(storeShardAccount({ account, lastTransactionHash: 0n, lastTransactionLt: 0n })).endCell();
}

function walletCase(name, Wallet) {
  const wallet = Wallet.create({ workchain: 0, publicKey: keys.publicKey });
  const body = wallet.createTransfer({ seqno: 0, secretKey: keys.secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, timeout: kNow + 60,
    messages: [internal({ to: new Address(0, Buffer.alloc(32, 0x55)), value: toNano('0.5'), bounce: false, body: 'hello tvm' })] });
  return { name, account: shardAccount(wallet.address, wallet.init.code, wallet.init.data, toNano('10')),
    message: beginCell().store(storeMessage(external({ to: wallet.address, body }))).endCell(), lt: 1000000 };
}

async function counterCases() {
  const source = fs.readFileSync(path.join(__dirname, 'counter.tolk'), 'utf8');
  const compiled = await runTolkCompiler({ entrypointFileName: 'counter.tolk', fsReadCallback: () => source });
  if (compiled.status !== 'ok') throw new Error(compiled.message);
  const code = Cell.fromBase64(compiled.codeBoc64);
  const data = beginCell().storeUint(77, 32).storeUint(5, 32).storeBuffer(keys.publicKey).endCell();
  const address = contractAddress(0, { code, data });
  const account = shardAccount(address, code, data, toNano('1'));
  const internalTo = (body) => beginCell().store(storeMessage({ info: { type: 'internal', ihrDisabled: true, bounce: true, bounced: false,
    src: new Address(0, Buffer.alloc(32, 0x66)), dest: address, value: { coins: toNano('0.1') }, ihrFee: 0n, forwardFee: 0n, createdLt: 1n, createdAt: kNow }, body })).endCell();
  const externalTo = (signature) => beginCell().store(storeMessage(external({ to: address, body: beginCell().storeBuffer(signature).storeUint(9, 32).endCell() }))).endCell();
  return { code, data, address, cases: [
    { name: 'counter_internal', account, message: internalTo(beginCell().storeUint(0x7e8764ef, 32).storeUint(1, 64).storeUint(3, 32).endCell()), lt: 2000000 },
    { name: 'counter_bounce', account, message: internalTo(beginCell().storeUint(0x11111111, 32).endCell()), lt: 2000000 },
    { name: 'counter_external', account, message: externalTo(sign(Buffer.from([0, 0, 0, 9]), keys.secretKey)), lt: 3000000 },
    { name: 'counter_external_bad_signature', account, message: externalTo(Buffer.alloc(64, 1)), lt: 3000000 },
  ] };
}

/** The mutation number n of a message; tvm_test.cpp computes the same. */
function* mutations(cases) {
  let state = 1n;
  const next = () => { state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn; return state >> 33n; };
  for (let n = 0; n < kMutations; n++) {
    const c = cases[Number(next() % BigInt(cases.length))];
    const message = Buffer.from(c.message, 'base64');
    const at = Number(next() % BigInt(message.length));
    message[at] ^= 1 << Number(next() % 8n);
    yield { ...c, message: message.toString('base64') };
  }
}

(async () => {
  let executor = await Executor.create();
  const run = (c) => {
    const params = JSON.stringify({ utime: kNow, lt: String(c.lt), rand_seed: '00'.repeat(32), ignore_chksig: false, debug_enabled: false });
    return JSON.parse(executor.extractString(executor.invoke('_emulate_with_emulator', [executor.getEmulatorPointer(defaultConfig, 0), 0, c.account, c.message, params])));
  };
  const counter = await counterCases();
  const cases = [walletCase('wallet_v3r2', WalletContractV3R2), walletCase('wallet_v4r2', WalletContractV4), walletCase('wallet_v5r1', WalletContractV5R1), ...counter.cases]
    .map((c) => ({ ...c, account: boc(c.account), message: boc(c.message) }));
  const recorded = cases.map((c) => {
    const { output } = run(c);
    return { ...c, accepted: output.success, transaction: output.transaction ?? '', shard_account: output.shard_account ?? '', exit_code: output.vm_exit_code ?? null, refusal: output.error ?? '' };
  });
  const digests = [];
  let aborts = 0;
  for (const c of mutations(cases)) {
    let answer;
    try {
      answer = run(c);
    } catch {
      aborts++;
      digests.push('aborted');
      executor = await Executor.create();
      continue;
    }
    const o = answer.output ?? {};
    const text = answer.fail ? `fail ${answer.message}` : o.success ? `ok ${o.transaction} ${o.shard_account}` : `no ${o.error} ${o.vm_exit_code ?? ''}`;
    digests.push(createHash('sha256').update(text).digest('hex').slice(0, 16));
  }
  const getParams = { code: counter.code.toBoc().toString('base64'), data: counter.data.toBoc().toString('base64'), account: counter.address.hash.toString('hex') };
  const stack = serializeTuple([]).toBoc().toString('base64');
  const answer = JSON.parse(executor.extractString(executor.invoke('_run_get_method', [JSON.stringify({ code: getParams.code, data: getParams.data, verbosity: 0, libs: '', address: counter.address.toRawString(),
    unixtime: kNow, balance: '1000000000', rand_seed: '00'.repeat(32), gas_limit: '1000000', method_id: 117456, debug_enabled: false }), stack, defaultConfig])));
  console.log(JSON.stringify({ now: kNow, cases: recorded, get_method: { ...getParams, stack, method_id: 117456, exit_code: answer.output.vm_exit_code, gas_used: answer.output.gas_used, result: answer.output.stack }, aborts, mutations: digests }, null, 1));
})();
