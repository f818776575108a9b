import { createIds } from './ids.ts';
import type { Batcher } from './store/batcher.ts';
import { done, type Operation, unwrap } from './store/operation.ts';
import { COORDINATOR_ID } from './store/schema.ts';

/** Returns the coordinator's name in receipts: the configured one, or one that was generated at the first start. */
export async function readIdentity(
  store: Pick<Batcher, 'write'>,
  configured: string | undefined,
): Promise<string> {
  if (configured !== undefined) return configured;
  const draft = `coord-${createIds(Date.now).hex(6)}`;
  return unwrap(await store.write(keepIdentity, { draft }));
}

export const keepIdentity: Operation<{ draft: string }, string> = {
  name: 'identity.keep',
  async apply(inputs, { tx }) {
    const [known] = await tx.load('setting', 'name', [COORDINATOR_ID]);
    const value = known?.value ?? inputs[0]?.draft ?? '';
    if (!known) await tx.insert('setting', [{ name: COORDINATOR_ID, value }]);
    return inputs.map(() => done(value));
  },
};
