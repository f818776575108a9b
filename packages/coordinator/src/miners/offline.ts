import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { countActive } from './presence.ts';
import { noteTurn } from './roster.ts';

/**
 * Puts miners offline that were not heard of for `silentMs`, at most `limit` of them.
 *
 * @returns how many they were
 */
export async function putSilentOffline(
  { silentMs, limit }: { silentMs: number; limit: number },
  context: WriteContext,
): Promise<number> {
  const { tx, now, emit } = context;
  const sql = `SELECT * FROM miner WHERE status IN ('online', 'draining') AND last_seen_at <= ? LIMIT ${limit}`;
  const silent = await tx.query<Row<'miner'>>(['miner'], sql, [now - silentMs]);
  const offline = silent.map(miner => ({ ...miner, status: 'offline' as const }));
  const changes = offline.map((after, index) => ({ before: silent[index] ?? after, after }));
  await tx.change('miner', changes);
  await countActive(-offline.length, context);
  for (const miner of offline) emit({ type: 'miner.changed', miner });
  for (const miner of silent) noteTurn(miner, { ...miner, status: 'offline' }, context);
  if (changes.length > 0) await context.publish('miner.changed', changes);
  return offline.length;
}
