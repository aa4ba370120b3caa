// Where our contracts deliberately do something else than the recorded ones. `steps` names every step of every scenario
// that differs, `follows` those that differ only because of an earlier one (a figure that stays different). What ours do
// there instead is in deviations.json, compared as strictly as the rest. `test` proves the repair by itself: a test of
// contracts/tests. Weaknesses W-n and recommendations 9.n are those of the specification.
export const deviations = [
  {
    closes: ['W-1'],
    what: 'a forced refund is paid from the deposits, and from the stake only what these lack',
    test: 'Client.spec.ts: a forced refund pays the deposit back, whatever the stake',
    steps: {
      client_forced_refund: [7],
      client_forced_refund_without_proxy_stake: [5],
    },
  },
  {
    closes: ['W-2'],
    what: 'what the proxy contract refuses bounces with the whole request; counters, balance and state are restored, and the rest of the value goes to the excess address',
    test: 'Worker.spec.ts: a payout that the proxy contract cannot pay is restored and can be claimed later',
    steps: {
      worker_payouts: [11],
      proxy_closed_with_live_client: [10],
      stake_of_a_client_not_backed: [5],
      messages_to_undeployed_proxy: [1],
    },
    follows: { worker_payouts: [12] },
  },
  {
    closes: ['W-3'],
    what: "a contract that closes sends its own gas money to its owner, not to the unsigned excess address",
    test: 'Client.spec.ts: whoever relays the last refund, the gas money goes to the owner',
    steps: {
      client_close_granted: [11],
      client_close_balance_below_stake: [5],
      client_forced_refund: [7],
      client_forced_refund_without_proxy_stake: [5],
      worker_last_payout: [5],
      proxy_close_owner_then_signed_complete: [13, 14],
      proxy_closed_with_live_client: [9],
      stake_of_a_client_not_backed: [5],
    },
  },
  {
    closes: ['W-8'],
    what: 'the wallet uses up its seqno whatever becomes of its messages; what cannot be sent is left out',
    test: 'Wallet.spec.ts: a message that cannot be sent is left out, and its external cannot be brought again',
    steps: { wallet: [10, 11] },
    follows: { wallet: [12, 13, 14, 15, 17, 18, 19] },
  },
  {
    closes: ['W-10'],
    what: 'a signed key that the root knows already is accepted without a new version',
    test: 'Root.spec.ts: a signed key counts once, and an older one for it does not shorten it',
    steps: { root: [22] },
    follows: { root: [23, 24, 25, 26, 27] },
  },
  {
    closes: ['W-23'],
    what: 'closing a proxy can be completed after its delay only',
    test: 'Proxy.spec.ts: closing cannot be completed before the delay has passed',
    steps: {
      proxy_close_owner_then_signed_complete: [10, 15, 16, 17],
      proxy_close_signed_and_errors: [7, 8, 9],
      proxy_closed_with_live_client: [5, 6, 10],
      proxy_text_commands: [9],
    },
    follows: {
      proxy_close_owner_then_signed_complete: [11, 12, 13, 14],
      proxy_closed_with_live_client: [7, 8, 9],
    },
  },
  {
    closes: ['W-24'],
    what: 'the text command w pays the commission, in one message',
    test: 'Proxy.spec.ts: the owner withdraws commission with a comment',
    steps: { proxy_text_commands: [7] },
    follows: { proxy_text_commands: [8, 9] },
  },
  {
    closes: ['W-17', '9.7'],
    what: 'a request without payload that could pay for gas has to come from a derived contract as well',
    test: 'Proxy.spec.ts: a notice that pays for gas has to come from a contract of ours',
    steps: { proxy_spoofing: [5, 7] },
    follows: { proxy_spoofing: [6, 8, 9] },
  },
];
