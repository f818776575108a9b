import Table from 'cli-table3';
import { type LoadResult, PARTS } from './results.ts';
import type { Backlog, Memory, Throughput } from './scenarios.ts';

const whole = (value: number) => Math.round(value).toLocaleString('en');
const ms = ({ p50, p99 }: { p50: number; p99: number }) => `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

function table(rows: readonly [name: string, result: LoadResult][]): string {
  const head = ['', 'lifecycles/s', ...PARTS.map(part => `${part} p50 / p99 ms`), 'generator cores'];
  const grid = new Table({ head, style: { head: [], border: [] } });
  for (const [name, result] of rows) {
    const latencies = PARTS.map(part => ms(result.latencies[part]));
    grid.push([name, whole(result.perSecond), ...latencies, result.generatorCpu.toFixed(2)]);
  }
  return grid.toString();
}

export const throughputReport = ({ coordinator, noop, ratio }: Throughput) => `${table([
  ['coordinator', coordinator],
  ['does nothing', noop],
])}
The coordinator does ${ratio.toFixed(2)} of what a server does that only validates and answers.`;

export const backlogReport = ({ jobs, empty, full, claimRatio }: Backlog) => `${table([
  ['no backlog', empty],
  [`${whole(jobs)} pending`, full],
])}
A claim at p99 takes ${claimRatio.toFixed(2)} times as long with the backlog.`;

export const memoryReport = ({ lifecycles, early, late }: Memory) =>
  `Over ${whole(lifecycles)} lifecycles memory went from ${mib(early)} in the second quarter to ${mib(late)} in the last: ${(late / early).toFixed(2)} times.`;
