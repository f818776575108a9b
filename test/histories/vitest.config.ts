import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import config from '../../vitest.config.ts';

/*
 * Generated histories, longer and more of them than the suite has time for: what a short one finds only with luck, these
 * find nearly every time.
 */

const LONGER = {
  AITBC_PROPERTY_RUNS: '20',
  AITBC_CONCURRENCY_JOBS: '1500',
  AITBC_CHAOS_JOBS: '3000',
  AITBC_CRASH_KILLS: '10',
  AITBC_RECEIPTS: '4000',
};
for (const [name, value] of Object.entries(LONGER)) process.env[name] ??= value;

const HISTORIES = [
  ...['invariants/*', 'abuse/extreme-numbers', 'replicas/chaos', 'crash/kill'].map(
    file => `packages/coordinator/test/${file}.test.ts`,
  ),
  'packages/receipts/test/by-hand.test.ts',
];

export default defineConfig({
  ...config,
  root: join(import.meta.dirname, '../..'),
  test: {
    ...config.test,
    include: HISTORIES,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
