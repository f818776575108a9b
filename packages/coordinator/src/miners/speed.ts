import type { TokenUsage } from '@aitbc/protocol';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';

/** A job that a miner has done. */
export interface MeasuredAttempt {
  minerId: string;
  model: string;
  startedAt: number;
  /** When its text began to come; null where it was not streamed. */
  firstChunkAt: number | null;
  usage: TokenUsage | undefined;
}

type Speed = Row<'model_speed'>;

/** How much the last job counts. */
const SMOOTHING = 0.2;

/** Keeps the average speed of each miner with each model, from runs that end now. What tells nothing changes nothing. */
export async function smoothSpeeds(
  runs: readonly MeasuredAttempt[],
  { tx, now }: WriteContext,
): Promise<void> {
  const measured = runs.map(run => ({ id: speedId(run), ...run, ...measure(run, now) }));
  const telling = measured.filter(
    ({ firstTokenMs, perSecond }) => firstTokenMs !== null || perSecond !== null,
  );
  if (telling.length === 0) return;
  const rows = await tx.load('model_speed', 'id', [...new Set(telling.map(({ id }) => id))]);
  const speeds = new Map<string, Speed>(rows.map(row => [row.id, row]));
  for (const { id, minerId, model, firstTokenMs, perSecond } of telling) {
    const known = speeds.get(id);
    speeds.set(id, {
      id,
      miner_id: minerId,
      model,
      first_token_ms: smooth(known?.first_token_ms ?? null, firstTokenMs),
      tokens_per_second: smooth(known?.tokens_per_second ?? null, perSecond),
      measured_at: now,
    });
  }
  await tx.upsert('model_speed', ['id'], [...speeds.values()]);
}

/** Ids of miners have no slash. */
const speedId = ({ minerId, model }: MeasuredAttempt) => `${minerId}/${model}`;

function measure({ startedAt, firstChunkAt, usage }: MeasuredAttempt, now: number) {
  const seconds = (now - startedAt) / 1000;
  const tokens = usage?.completion_tokens ?? 0;
  return {
    firstTokenMs: firstChunkAt === null ? null : Math.max(firstChunkAt - startedAt, 0),
    perSecond: tokens > 0 && seconds > 0 ? tokens / seconds : null,
  };
}

function smooth(average: number | null, value: number | null): number | null {
  if (average === null || value === null) return value ?? average;
  return average + SMOOTHING * (value - average);
}
