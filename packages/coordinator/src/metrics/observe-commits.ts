import type { AttemptMeasurements, JobCounts, StoreEvent } from '../store/events.ts';
import type { Instruments } from './instruments.ts';

/** Returns a listener for commits that counts what they did. */
export function countCommits(
  metrics: Instruments,
  modelLabel: (model: string) => string,
): (events: readonly StoreEvent[]) => void {
  const batchWrites = metrics.batchWrites.labels();
  const commitSeconds = metrics.commitSeconds.labels();

  function countJobs({ submitted, waits, retries, returns, ended }: JobCounts) {
    if (submitted > 0) metrics.submitted.inc(submitted);
    if (retries > 0) metrics.retries.inc(retries);
    if (returns > 0) metrics.returns.inc(returns);
    for (const { model, ms } of waits) {
      const wait = metrics.claimWait.labels(modelLabel(model));
      for (const waited of ms) wait.observe(Math.max(waited, 0) / 1000);
    }
    for (const { status, errorCode, errorClass, jobs } of ended) {
      metrics.ended.inc({ status }, jobs);
      if (status !== 'failed') continue;
      const labels = { error_code: errorCode ?? 'none', error_class: errorClass ?? 'none' };
      metrics.failed.inc(labels, jobs);
    }
  }

  function measureAttempts({
    model,
    run,
    firstToken,
    perToken,
    inputTokens,
    outputTokens,
  }: AttemptMeasurements) {
    const label = modelLabel(model);
    const seconds = (name: 'generationSeconds' | 'firstTokenSeconds' | 'tokenSeconds', values: number[]) => {
      if (values.length === 0) return;
      const histogram = metrics[name].labels(label);
      for (const ms of values) histogram.observe(ms / 1000);
    };
    seconds('generationSeconds', run);
    seconds('firstTokenSeconds', firstToken);
    seconds('tokenSeconds', perToken);
    const counts = (direction: 'input' | 'output', values: number[]) => {
      if (values.length === 0) return;
      const histogram = metrics.tokens.labels(label, direction);
      for (const tokens of values) histogram.observe(tokens);
    };
    counts('input', inputTokens);
    counts('output', outputTokens);
  }

  return events => {
    for (const event of events) {
      if (event.type === 'batch.committed') {
        batchWrites.observe(event.writes);
        commitSeconds.observe(event.ms / 1000);
      }
      if (event.type === 'jobs.counted') countJobs(event);
      if (event.type === 'attempts.measured') event.attempts.forEach(measureAttempts);
      if (event.type === 'lease.expired') metrics.leaseExpirations.inc({ reason: event.reason });
      if (event.type === 'verification.ended') {
        const { judgement, cause } = event;
        metrics.verificationsEnded.inc({ judgement, cause });
      }
      if (event.type === 'entries.appended') {
        metrics.ledgerEntries.inc({ type: event.entryType }, event.entries);
        metrics.credits.inc({ type: event.entryType }, event.amount / 1e6);
      }
    }
  };
}
