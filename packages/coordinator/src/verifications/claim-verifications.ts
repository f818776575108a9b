import { SHARED_VERIFICATIONS, WAITING_VERIFICATIONS } from '../store/indexes.ts';
import type { WriteContext } from '../store/operation.ts';
import { done, type Operation } from '../store/operation.ts';
import { isFor, type VerificationRow, type Verifier } from './verification.ts';

/** Among how many waiting answers of each model a verifier's next one is looked for. */
const LOOKED_THROUGH = 64;

/** How often `last_seen_at` of a verifier is written at most. */
const SEEN_EVERY_MS = 60_000;

/** Leases the oldest waiting answer to each verifier that it may read. */
export const claimVerifications = (leaseMs: number): Operation<Verifier, VerificationRow | undefined> => ({
  name: 'verifications.claim',
  async apply(inputs, context) {
    const { tx, now } = context;
    await noteVerifiers(inputs, context);
    const [waiting, shared] = await Promise.all([
      candidates(
        inputs.filter(({ own }) => own),
        WAITING_VERIFICATIONS,
        context,
      ),
      candidates(
        inputs.filter(({ own }) => !own),
        SHARED_VERIFICATIONS,
        context,
      ),
    ]);
    const taken = new Map<string, VerificationRow>();
    const outcomes = inputs.map(verifier => {
      const row = (verifier.own ? waiting : shared).find(
        row =>
          !taken.has(row.id) &&
          row.expires_at > now &&
          verifier.weights.includes(row.weights ?? '') &&
          isFor(row, verifier, now),
      );
      if (!row) return done(undefined);
      const leased: VerificationRow = {
        ...{ ...row, state: 'leased', attempts: row.attempts + 1, lease_expires_at: now + leaseMs },
        ...{ verifier_id: verifier.verifierId, verifier_account: verifier.accountId },
        ...{ own: verifier.own ? 1 : 0, engine: verifier.engine },
      };
      taken.set(row.id, leased);
      return done(leased);
    });
    await tx.upsert('verification', [...taken.values()]);
    return outcomes;
  },
});

async function candidates(
  verifiers: readonly Verifier[],
  index: typeof WAITING_VERIFICATIONS,
  { tx }: WriteContext,
): Promise<VerificationRow[]> {
  const weights = [...new Set(verifiers.flatMap(({ weights }) => weights))];
  if (weights.length === 0) return [];
  const rows = await tx.first(index, weights, LOOKED_THROUGH + verifiers.length);
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function noteVerifiers(inputs: readonly Verifier[], { tx, now }: WriteContext): Promise<void> {
  const seen = new Map(
    inputs.map(({ accountId, verifierId, own, weights, engine }) => {
      const id = `${accountId}/${verifierId}`;
      return [id, { id, own: own ? 1 : 0, weights: JSON.stringify(weights), engine, last_seen_at: now }];
    }),
  );
  const known = new Map((await tx.load('verifier', 'id', [...seen.keys()])).map(row => [row.id, row]));
  const changed = [...seen.values()].filter(row => {
    const before = known.get(row.id);
    return !before || now - before.last_seen_at >= SEEN_EVERY_MS || before.weights !== row.weights;
  });
  await tx.upsert('verifier', changed);
}
