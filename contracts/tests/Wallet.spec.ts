import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beginCell, Cell, internal, storeMessageRelaxed, toNano } from '@ton/core';
import { sign } from '@ton/crypto';
import { ExitCode, Op } from '../wrappers/ops';
import { header } from '../wrappers/signed';
import { Wallet, walletTransfer } from '../wrappers/Wallet';
import { assertOk, createChain, exitCode, loadCode, machineKey, nowhere, otherKey, sentTo, START } from './network';

const secretKey = machineKey.secretKey;

async function createWallet(funds = toNano(10)) {
  const chain = await createChain();
  const [owner, stranger] = await Promise.all(['owner', 'stranger'].map((name) => chain.treasury(name)));
  const config = { publicKey: machineKey.publicKey, owner: owner.address };
  const wallet = chain.openContract(Wallet.createFromConfig(config, loadCode('wallet')));
  await wallet.sendFunds(owner.getSender(), funds);
  const messages = [{ message: internal({ to: stranger.address, value: toNano(1), body: 'hello' }), mode: 0 }];
  const transfer = { seqno: 0, validUntil: START + 60, messages, secretKey };
  return { chain, owner, stranger, wallet, transfer };
}

async function refusal(send: Promise<unknown>): Promise<number> {
  const error = await send.then(
    () => assert.fail('the external message was accepted'),
    (reason: Error & { exitCode?: number }) => reason,
  );
  const code = error.exitCode ?? Number(/exit[_ ]?code[^0-9-]*(-?\d+)/i.exec(error.message)?.[1]);
  assert.ok(Number.isInteger(code), error.message);
  return code;
}

describe('wallet', () => {
  test('the first external message deploys and sends', async () => {
    const { wallet, owner, stranger, transfer } = await createWallet();
    const result = await wallet.sendExternal(walletTransfer(transfer));
    assertOk(result, wallet.address, stranger.address);
    assert.equal(sentTo(result, wallet.address, stranger.address).length, 1);
    assert.equal(await wallet.getSeqno(), 1);
    assert.equal(await wallet.getPublicKey(), BigInt(`0x${machineKey.publicKey.toString('hex')}`));
    assert.ok((await wallet.getOwnerAddress()).equals(owner.address));
  });

  test('every check has its code, and a refused message costs nothing', async () => {
    const { chain, wallet, transfer } = await createWallet();
    await wallet.sendExternal(walletTransfer(transfer));
    const next = { ...transfer, seqno: 1 };
    const before = (await chain.getContract(wallet.address)).balance;
    const refused = (changes: Partial<typeof next> & { subwallet?: number }) =>
      refusal(wallet.sendExternal(walletTransfer({ ...next, ...changes })));
    assert.equal(await refused({ validUntil: START }), ExitCode.walletExpired);
    assert.equal(await refused({ seqno: 0 }), ExitCode.walletSeqno);
    assert.equal(await refused({ subwallet: 1 }), ExitCode.walletSubwallet);
    assert.equal(await refused({ secretKey: otherKey.secretKey }), ExitCode.walletSignature);
    assert.equal((await chain.getContract(wallet.address)).balance, before);
    assert.equal(await wallet.getSeqno(), 1);
  });

  test('below two TON nothing is accepted', async () => {
    const { wallet, transfer } = await createWallet(toNano('1.9'));
    assert.equal(await refusal(wallet.sendExternal(walletTransfer(transfer))), ExitCode.walletBalance);
  });

  test('modes without a message, or half a mode, are refused before they cost gas', async () => {
    const { wallet, transfer } = await createWallet();
    await wallet.sendExternal(walletTransfer(transfer));
    const unsigned = (tail: (body: ReturnType<typeof beginCell>) => unknown) => {
      const body = beginCell()
        .storeUint(0, 32)
        .storeUint(START + 60, 32)
        .storeUint(1, 32);
      tail(body);
      return beginCell().storeBuffer(sign(body.endCell().hash(), secretKey), 64).storeBuilder(body).endCell();
    };
    for (const body of [
      unsigned((b) => b.storeUint(0, 8)),
      unsigned((b) => b.storeUint(0, 4).storeRef(Cell.EMPTY)),
      unsigned((b) => b.storeRef(Cell.EMPTY)),
    ]) {
      assert.equal(await refusal(wallet.sendExternal(body)), ExitCode.bodyShape);
    }
  });

  test('one external message carries up to four messages', async () => {
    const { wallet, stranger, transfer } = await createWallet();
    const message = (value: bigint) => ({ message: internal({ to: stranger.address, value }), mode: 1 });
    const messages = [1n, 2n, 3n, 4n].map((n) => message(n * toNano('0.1')));
    const result = await wallet.sendExternal(walletTransfer({ ...transfer, messages }));
    const values = sentTo(result, wallet.address, stranger.address).map(({ value }) => value);
    assert.deepEqual(
      values,
      [1n, 2n, 3n, 4n].map((n) => n * toNano('0.1')),
    );
  });

  test('the owner relays, blocks, unblocks and sweeps', async () => {
    const { chain, wallet, owner, stranger, transfer } = await createWallet();
    await wallet.sendExternal(walletTransfer(transfer));
    const relay = { value: toNano('0.1'), mode: 1, message: internal({ to: stranger.address, value: toNano(1) }) };
    const relayed = await wallet.sendMessage(owner.getSender(), relay);
    assert.equal(sentTo(relayed, wallet.address, stranger.address)[0].value, toNano(1));
    assert.equal(
      exitCode(await wallet.sendMessage(stranger.getSender(), relay), wallet.address),
      ExitCode.walletSenderNotOwner,
    );

    const text = async (letter: string, sender = owner) =>
      exitCode(await wallet.sendText(sender.getSender(), toNano('0.1'), letter), wallet.address);
    assert.equal(await text('b', stranger), ExitCode.walletSenderNotOwner);
    assert.equal(await text('z'), ExitCode.walletUnknownCommand);
    assert.equal(await text('b'), 0);
    const blocked = wallet.sendExternal(walletTransfer({ ...transfer, seqno: 1 }));
    assert.equal(await refusal(blocked), ExitCode.walletBlocked);
    assert.equal(await text('u'), 0);
    assertOk(await wallet.sendExternal(walletTransfer({ ...transfer, seqno: 1 })), wallet.address);
    assert.equal(await text('w'), 0);
    assert.equal((await chain.getContract(wallet.address)).balance, toNano('0.01'));
  });

  test('a message that cannot be sent is left out, and its external cannot be brought again', async () => {
    const { chain, wallet, stranger, transfer } = await createWallet();
    const message = (value: bigint, to = stranger.address) => ({ message: internal({ to, value }), mode: 0 });
    const messages = [message(toNano(1)), message(toNano(1000)), message(toNano(1), nowhere), message(toNano(2))];
    const body = walletTransfer({ ...transfer, messages });
    const result = await wallet.sendExternal(body);
    assertOk(result, wallet.address);
    const values = sentTo(result, wallet.address, stranger.address).map(({ value }) => value);
    assert.equal(values.length, 2);
    assert.ok(values[0] > toNano('0.99') && values[1] > toNano('1.99'));
    assert.equal(await wallet.getSeqno(), 1);
    const before = (await chain.getContract(wallet.address)).balance;
    assert.equal(await refusal(wallet.sendExternal(body)), ExitCode.walletSeqno);
    assert.equal((await chain.getContract(wallet.address)).balance, before);
  });

  test('no mode and no malformed message makes an external that can be brought again', async () => {
    const { wallet, stranger, owner, transfer } = await createWallet(toNano(50));
    await wallet.sendExternal(walletTransfer(transfer));
    const good = beginCell().store(storeMessageRelaxed(internal({ to: stranger.address, value: 1n }))).endCell();
    const bad = [beginCell().storeUint(7, 3).endCell(), Cell.EMPTY];
    const modes = [0, 1, 2, 3, 4, 8, 16, 32, 64, 128, 32 + 128, 64 + 128, 4 + 8 + 64, 255];
    const attempts = [
      ...modes.map((mode) => [mode, good] as const),
      ...bad.flatMap((message) => [0, 64, 128, 255].map((mode) => [mode, message] as const)),
    ];
    let seqno = 1;
    for (const [mode, message] of attempts) {
      const unsigned = beginCell()
        .storeUint(0, 32)
        .storeUint(START + 60, 32)
        .storeUint(seqno, 32)
        .storeUint(mode, 8)
        .storeRef(message);
      const signature = sign(unsigned.endCell().hash(), secretKey);
      const body = beginCell().storeBuffer(signature, 64).storeBuilder(unsigned).endCell();
      await wallet.sendExternal(body);
      seqno += 1;
      assert.equal(await wallet.getSeqno(), seqno, `mode ${mode}`);
      if ((mode & 128) !== 0) await wallet.sendFunds(owner.getSender(), toNano(3));
    }
  });

  test('a message that would stay valid for long is refused', async () => {
    const { wallet, transfer } = await createWallet();
    const send = (validUntil: number) => wallet.sendExternal(walletTransfer({ ...transfer, validUntil }));
    assert.equal(await refusal(send(START + 7201)), ExitCode.walletLifetime);
    assert.equal(await refusal(send(2 ** 32 - 1)), ExitCode.walletLifetime);
    assertOk(await send(START + 7200), wallet.address);
  });

  test('coins and excesses are welcome from anybody', async () => {
    const { wallet, stranger, transfer } = await createWallet();
    await wallet.sendExternal(walletTransfer(transfer));
    assertOk(await wallet.sendFunds(stranger.getSender(), toNano(1)), wallet.address);
    for (const op of [Op.excesses, Op.payout, Op.doNotProcess]) {
      const body = header(op, 1n).endCell();
      assertOk(await stranger.send({ to: wallet.address, value: toNano(1), body }), wallet.address);
    }
    const unknown = await stranger.send({ to: wallet.address, value: toNano(1), body: header(1, 1n).endCell() });
    assert.equal(exitCode(unknown, wallet.address), ExitCode.walletSenderNotOwner);
  });
});
