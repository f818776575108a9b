import type { TokenUsage } from '@aitbc/protocol';
import type { AttemptMeasurements } from '../store/events.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';

/** A job that a miner has completed. */
export interface MeasuredAttempt {
  minerId: string;
  model: string;
  startedAt: number;
  /** When the first chunk of its text arrived, or null if the job was not streamed. */
  firstChunkAt: number | null;
  usage: TokenUsage | undefined;
}

type Speed = Row<'model_speed'>;

/** The weight of the newest job in the average. */
const SMOOTHING = 0.2;

/** Updates the average speed of each miner with each model from jobs that complete now. */
export async function smoothSpeeds(
  runs: readonly MeasuredAttempt[],
  { tx, now, emit }: WriteContext,
): Promise<void> {
  if (runs.length > 0) emit({ type: 'attempts.measured', attempts: measurementsOf(runs, now) });
  const measured = runs.map(run => ({ id: speedId(run), ...run, ...measure(run, now) }));
  const measurable = measured.filter(
    ({ firstTokenMs, perSecond }) => firstTokenMs !== null || perSecond !== null,
  );
  if (measurable.length === 0) return;
  const rows = await tx.load('model_speed', 'id', [...new Set(measurable.map(({ id }) => id))]);
  const speeds = new Map<string, Speed>(rows.map(row => [row.id, row]));
  for (const { id, minerId, model, firstTokenMs, perSecond } of measurable) {
    const previous = speeds.get(id);
    speeds.set(id, {
      id,
      miner_id: minerId,
      model,
      first_token_ms: smooth(previous?.first_token_ms ?? null, firstTokenMs),
      tokens_per_second: smooth(previous?.tokens_per_second ?? null, perSecond),
      measured_at: now,
    });
  }
  await tx.upsert('model_speed', [...speeds.values()]);
}

function measurementsOf(runs: readonly MeasuredAttempt[], now: number): AttemptMeasurements[] {
  return [...Map.groupBy(runs, run => run.model)].map(([model, ofModel]) => ({
    model,
    run: ofModel.map(({ startedAt }) => now - startedAt),
    firstToken: ofModel.flatMap(run => measure(run, now).firstTokenMs ?? []),
    perToken: ofModel.flatMap(run => perTokenMs(run, now) ?? []),
    inputTokens: ofModel.flatMap(({ usage }) => usage?.prompt_tokens ?? []),
    outputTokens: ofModel.flatMap(({ usage }) => usage?.completion_tokens ?? []),
  }));
}

/** Returns the time for each token after the first one. Where the time of the first is unknown, that of each token. */
function perTokenMs({ startedAt, firstChunkAt, usage }: MeasuredAttempt, now: number): number | undefined {
  const tokens = usage?.completion_tokens ?? 0;
  if (firstChunkAt === null) return tokens > 0 ? (now - startedAt) / tokens : undefined;
  return tokens > 1 ? Math.max(now - firstChunkAt, 0) / (tokens - 1) : undefined;
}

/** A miner id has no slash, so the ids are unambiguous. */
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
