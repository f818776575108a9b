import { expect, test } from 'vitest';
import { canonicalJson, grantEntry, receiptEntry, signGrant, verifyEntry } from '../src/index.ts';
import { COORDINATOR, failed, GRANT, issue, STRANGER } from './issued.ts';

const keys = [COORDINATOR.keyId];

test('the entry of a receipt is that receipt', async () => {
  const receipt = await issue();
  const verification = await verifyEntry(receiptEntry(receipt), { keys });
  expect(verification).toMatchObject({ valid: true, statement: receipt });
});

test('the entry of a grant is that grant, as text too', async () => {
  const grant = await signGrant(GRANT, COORDINATOR);
  const text = new TextDecoder().decode(grantEntry(grant));
  expect(await verifyEntry(text, { keys })).toMatchObject({ valid: true, statement: grant });
});

test('without keys the one that is named is held to, by its signature', async () => {
  const entry = canonicalJson(await issue({}, STRANGER));
  expect(await verifyEntry(entry)).toMatchObject({ valid: true });
  expect(failed(await verifyEntry(entry, { keys }))).toEqual(['key']);
  expect(failed(await verifyEntry(entry.replace('"units":', '"units":1')))).toEqual([
    'signature',
    'arithmetic',
  ]);
});

test('an entry has nothing beside what is signed', async () => {
  const receipt = await issue();
  for (const beside of [{ inclusion: {} }, { message: null }]) {
    const verification = await verifyEntry(canonicalJson({ ...receipt, ...beside }), { keys });
    expect(verification).toMatchObject({ valid: false, statement: null });
    expect(failed(verification)).toEqual(['shape']);
  }
});

test.each(['', '[]', 'null', '7', '{}', '{"type":"grant"}', '{"b":1,"a":2}', Uint8Array.of(0xff)])(
  '%j is no statement, and no error',
  async entry => {
    expect(await verifyEntry(entry, { keys })).toMatchObject({ valid: false, statement: null });
    expect(await verifyEntry(entry)).toMatchObject({ valid: false, statement: null });
  },
);
