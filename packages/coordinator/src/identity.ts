import type { Ids } from './ids.ts';
import { done, type Operation, unwrap } from './store/operation.ts';
import type { Store } from './store/store.ts';

const NAME = 'coordinator_id';

/** The coordinator's name in receipts: the configured one, or one made at first start and kept. */
export async function readIdentity(store: Store, configured: string | undefined, ids: Ids): Promise<string> {
  if (configured !== undefined) return configured;
  return unwrap(await store.write(keepIdentity, { draft: `coord-${ids.hex(6)}` }));
}

const keepIdentity: Operation<{ draft: string }, string> = {
  name: 'identity.keep',
  order: 0,
  async apply(inputs, { tx }) {
    const [known] = await tx.load('setting', 'name', [NAME]);
    const value = known?.value ?? inputs[0]?.draft ?? '';
    if (!known) await tx.insert('setting', [{ name: NAME, value }]);
    return inputs.map(() => done(value));
  },
};
