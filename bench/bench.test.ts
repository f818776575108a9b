import { expect, test } from 'vitest';
import { backlogReport, memoryReport, throughputReport } from './report.ts';
import { backlog, memory, throughput } from './scenarios.ts';

const SHORT = { connections: 4, seconds: 1, warmup: 0 };
const quietly = () => {};

test('throughput measures every part of a lifecycle beside a server that does nothing', async () => {
  const result = await throughput({ ...SHORT, rounds: 1, nodeOptions: [] }, quietly);
  expect(result.coordinator.lifecycles).toBeGreaterThan(0);
  expect(result.noop.lifecycles).toBeGreaterThan(0);
  for (const { p50, p99 } of Object.values(result.coordinator.latencies)) {
    expect(p50).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
  }
  expect(throughputReport(result)).not.toContain('NaN');
});

test('claims are measured on top of a backlog', async () => {
  const result = await backlog(2_000, SHORT, quietly);
  expect(result.full.lifecycles).toBeGreaterThan(0);
  expect(backlogReport(result)).not.toContain('NaN');
});

test('memory is measured over lifecycles', async () => {
  const result = await memory(4_000, SHORT, quietly);
  expect(result.late).toBeGreaterThan(0);
  expect(memoryReport(result)).not.toContain('NaN');
});
