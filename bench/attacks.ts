import { LIMITS } from '@aitbc/protocol/limits';

export interface Sent {
  method: 'GET' | 'POST';
  path: string;
  body?: Buffer;
}

export interface Attack {
  /** Requests that are sent in turn, repeatedly. */
  requests(): Sent[];
  /** Bodies are never completed. */
  stalls?: true;
  /** Batches of 1,000 jobs that the abuser queues first. */
  batchesBefore?: number;
}

const MODEL = 'bench';
const SIZE = 16 * 1024 * 1024 - 1024;

const post = (path: string, body: string): Sent => ({ method: 'POST', path, body: Buffer.from(body) });
const get = (path: string): Sent => ({ method: 'GET', path });
const batch = (body: string) => post('/v1/jobs/batch', body);
const jobs = (count: number, promptLength: number) => ({
  jobs: Array.from({ length: count }, () => ({ prompt: 'p'.repeat(promptLength), model: MODEL })),
});

export const fullBatch = () => batch(JSON.stringify(jobs(LIMITS.batchJobs, 200)));

/** Returns `start`, as many `unit` as fit, and `end`. */
const filled = (start: string, unit: string, end: string) =>
  start + unit.repeat(Math.floor((SIZE - start.length - end.length) / unit.length)) + end;

/** Returns an object with as many members as fit, with different names. */
function manyMembers(): string {
  const members = Array.from({ length: SIZE / 16 }, (_, index) => `"${String(index).padStart(11, 'm')}":0`);
  return `{${members.join(',')}}`;
}

function lastJobWrong(): string {
  const { jobs: sound } = jobs(64, 250_000);
  return JSON.stringify({ jobs: [...sound, { prompt: 'p', model: 5 }] });
}

export const ATTACKS = {
  'batches of 1,000': { requests: () => [fullBatch()] },
  '16 MB, valid': { requests: () => [batch(JSON.stringify(jobs(64, 250_000)))] },
  '16 MB, invalid': {
    requests: () =>
      [
        filled('{"jobs":[', '0,', '0]}'),
        filled('{"jobs":[', '{},', '{}]}'),
        filled('{"jobs":[', '{"prompt":"p","model":"bench"},', '0]}'),
        filled('', '[', ''),
        filled('[', '[],', '[]]'),
        filled('{"jobs":[{"prompt":"', '\\u0041', '","model":"bench"}]}'),
        filled('{"jobs":[{"prompt":"', 'p', '","model":"bench"'),
        filled('{"jobs":[{"prompt":"', 'p', '","model":"bench","model":"bench"}]}'),
        filled('{"jobs":[{"prompt":"p","model":"bench","metadata":{"m":[', '1e9,', '1e400]}}]}'),
        filled('', ' ', '{}'),
        manyMembers(),
        lastJobWrong(),
      ].map(batch),
  },
  'fat registrations': {
    requests: () => {
      const capabilities = Array.from({ length: LIMITS.capabilities }, (_, index) =>
        String(index).padEnd(LIMITS.modelLength, 'm'),
      );
      const register = (miner: object) => post('/v1/miners/register', JSON.stringify(miner));
      const fat = Array.from({ length: 50 }, (_, index) =>
        register({ miner_id: `fat-${index}`, capabilities }),
      );
      const invalid = {
        miner_id: 'fatter',
        capabilities: [MODEL],
        gpu_info: { blob: 'y'.repeat(1_000_000) },
      };
      return [...fat, register(invalid)];
    },
  },
  'list scans': {
    batchesBefore: 10,
    requests: () =>
      [
        `/v1/jobs?limit=${LIMITS.pageSize}`,
        `/v1/jobs?limit=${LIMITS.pageSize}&model=nobody`,
        `/v1/jobs?limit=${LIMITS.pageSize}&status=pending`,
        `/v1/miners?limit=${LIMITS.pageSize}`,
        `/v1/receipts?limit=${LIMITS.pageSize}`,
        '/v1/models',
        '/openapi.json',
      ].map(get),
  },
  'stalled bodies': {
    stalls: true,
    requests: () => [batch(filled('{"jobs":[{"prompt":"', 'x', '"'))],
  },
} as const satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;
