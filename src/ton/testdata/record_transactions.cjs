// Records transactions and accounts of our contracts in the sandbox, for records_test.cpp: the bags of cells, and what
// @ton/core reads in them.
//
//   NM=$PWD/node_modules CODES=build/contracts OUT=src/ton/testdata/transactions.json
//     node -r ./src/ton/testdata/record_transactions.cjs SPEC/contract-tools/behaviour_run.cjs /dev/null
//
// One transaction of each kind that occurs (phases, reasons, exit codes) is kept, with the account after it.
const path = require('path');
const fs = require('fs');
const from = (name) => require(require.resolve(name, { paths: [path.resolve(process.env.NM, '..')] }));
const { Cell, loadTransaction, loadShardAccount } = from('@ton/core');
const { Executor } = require(path.resolve(process.env.NM, '@ton/sandbox/dist/executor/Executor'));

const kept = new Map();
const text = (v) => (v === null || v === undefined ? null : v.toString());

function describe(tx) {
  const d = tx.description;
  const out = { kind: d.type, lt: text(tx.lt), prev_lt: text(tx.prevTransactionLt), now: tx.now, account: tx.address.toString(16).padStart(64, '0'),
    status_before: tx.oldStatus, status_after: tx.endStatus, total_fees: text(tx.totalFees.coins), out_msgs: tx.outMessagesCount, aborted: d.aborted, destroyed: d.destroyed };
  out.storage = d.storagePhase ? { collected: text(d.storagePhase.storageFeesCollected), due: text(d.storagePhase.storageFeesDue) } : null;
  out.credit = d.creditPhase ? text(d.creditPhase.credit.coins) : null;
  const c = d.computePhase;
  out.compute = c.type === 'skipped' ? { skipped: c.reason } : { success: c.success, exit_code: c.exitCode, gas_used: text(c.gasUsed), gas_limit: text(c.gasLimit), gas_fees: text(c.gasFees), vm_steps: c.vmSteps };
  const a = d.actionPhase;
  out.action = a ? { success: a.success, valid: a.valid, no_funds: a.noFunds, result_code: a.resultCode, actions: a.totalActions, skipped: a.skippedActions, messages: a.messagesCreated,
    forward_fees: text(a.totalFwdFees), action_fees: text(a.totalActionFees) } : null;
  out.bounce = d.bouncePhase ? d.bouncePhase.type : null;
  const i = tx.inMessage;
  out.in = i ? { type: i.info.type, src: i.info.src ? i.info.src.toRawString() : null, value: i.info.type === 'internal' ? text(i.info.value.coins) : null, bounced: i.info.bounced ?? null,
    has_init: Boolean(i.init), body_hash: i.body.hash().toString('hex') } : null;
  out.out = [...tx.outMessages.values()].map((m) => ({ type: m.info.type, dest: m.info.dest ? m.info.dest.toRawString() : null, value: m.info.type === 'internal' ? text(m.info.value.coins) : null,
    created_lt: text(m.info.createdLt), body_hash: m.body.hash().toString('hex') }));
  return out;
}

function describeAccount(shard) {
  const a = shard.account;
  const out = { last_lt: text(shard.lastTransactionLt), last_hash: shard.lastTransactionHash.toString(16).padStart(64, '0') };
  if (!a) return { ...out, account: null };
  const s = a.storage.state;
  return { ...out, account: a.addr.toRawString(), balance: text(a.storage.balance.coins), cells: text(a.storageStats.used.cells), bits: text(a.storageStats.used.bits), last_paid: a.storageStats.lastPaid,
    end_lt: text(a.storage.lastTransLt), due: text(a.storageStats.duePayment), state: s.type, code: s.state?.code ? s.state.code.hash().toString('hex') : null, data: s.state?.data ? s.state.data.hash().toString('hex') : null };
}

const run = Executor.prototype.runTransaction;
Executor.prototype.runTransaction = async function (args) {
  const result = await run.call(this, args);
  if (!result.result.success) return result;
  const cell = Cell.fromBase64(result.result.transaction);
  const tx = loadTransaction(cell.beginParse());
  const shardCell = Cell.fromBase64(result.result.shardAccount);
  const expected = describe(tx);
  const { compute, action, bounce } = expected;
  const kind = JSON.stringify([compute.skipped, compute.exit_code > 0, action && [action.result_code, action.messages], bounce, expected.in.type, expected.in.bounced, expected.in.has_init, expected.status_before]);
  if (!kept.has(kind) && kept.size < 40) {
    kept.set(kind, { transaction: cell.toBoc({ idx: false, crc32: true }).toString('base64'), hash: cell.hash().toString('hex'), expected,
      shard_account: shardCell.toBoc({ idx: false, crc32: true }).toString('base64'), account: describeAccount(loadShardAccount(shardCell.beginParse())) });
  }
  return result;
};
process.on('exit', () => fs.writeFileSync(process.env.OUT, JSON.stringify([...kept.values()], null, 1) + '\n'));
