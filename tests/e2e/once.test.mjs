// The first light: one command brings a network up, asks, is charged and pays, and says what happened.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './network.mjs';

test('up --once --json: answered, attested, charged, paid; a second start resumes with balances intact', () => {
  const state = mkdtempSync(join(tmpdir(), 'cocoon-once-'));
  try {
    const args = ['up', '--once', '--json', '--state', state, '--port-base', '21000', '--prompt', 'Hello'];
    const first = JSON.parse(run(args));
    assert.ok(first.answer.length > 0);
    assert.ok(first.usage.prompt_tokens > 0 && first.usage.completion_tokens > 0);
    assert.equal(first.usage.total_tokens, first.usage.prompt_tokens + first.usage.completion_tokens);

    assert.deepEqual(first.attested.map((a) => a.role), ['proxy', 'worker']);
    for (const a of first.attested) {
      assert.match(a.tee, /tdx/);
      assert.match(a.image_hash, /^[0-9a-fA-F]{64}$/);
      assert.match(a.verdict, /accepted/);
    }

    assert.equal(first.charged_nano, first.usage.total_cost_nano);
    assert.equal(first.paid_nano * 1000, first.charged_nano * 950);  // the proxy keeps its commission of 5 %
    const operations = first.transactions.map((t) => `${t.account}: ${t.op}`);
    for (const expected of ['client contract: client_charge_signed', 'worker contract: worker_payout_signed',
      'proxy contract: worker_proxy_request', 'worker owner: payout'])
      assert.ok(operations.includes(expected), `${expected} in\n${operations.join('\n')}`);
    const owner = first.balances['worker owner'];
    assert.equal(owner.after_nano - owner.before_nano > 0, true);

    const second = JSON.parse(run(args));
    assert.equal(second.balances['worker owner'].before_nano, owner.after_nano);
    assert.equal(second.balances['client contract'].address, first.balances['client contract'].address);
    assert.equal(second.charged_nano, second.usage.total_cost_nano);
    assert.ok(!second.transactions.some((t) => t.op === 'client_register'), 'short authorisation after a restart');
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
});
