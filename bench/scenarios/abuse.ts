import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ATTACKS, type Attack, type AttackName, fullBatch } from '../attacks.ts';
import type { Latency } from '../results.ts';
import { AITBC, type OwnServer, preparePlace, type StoreName, startAt } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Abused {
  attack: AttackName;
  /** How long the victim's submissions take without the abuser. */
  idle: Latency;
  /** How long the victim's submissions take with the abuser. */
  abused: Latency;
  /** The ratio of the medians. */
  ratio: number;
  /** The most bytes in memory. */
  memory: number;
  /** How often the abuser was answered with each status. */
  answered: Readonly<Record<string, number>>;
}

export interface Abuse {
  attacks: readonly Abused[];
  /** The bounds that were missed, in words. Empty when all bounds hold. */
  missed: readonly string[];
}

export interface AbuseOptions {
  store: StoreName;
  seconds: number;
  warmup: number;
  rounds: number;
  profile?: string | undefined;
  /** Default: all attacks. */
  attacks?: readonly AttackName[];
}

/** How many times slower the victim's median may become. */
export const MOST_RATIO = 3;
/** The most bytes in memory. */
export const MOST_MEMORY = 1024 ** 3;

const ABUSER_CONNECTIONS = 4;
const MEMORY_MS = 100;

const run = promisify(execFile);
const program = (name: string) => fileURLToPath(new URL(`../${name}.ts`, import.meta.url));

/** Measures what one client with few connections can do to another. */
export async function abuse(options: AbuseOptions, progress: Progress): Promise<Abuse> {
  const { attacks = Object.keys(ATTACKS) as AttackName[], rounds } = options;
  const results: Abused[] = [];
  for (const attack of attacks) {
    const found: Abused[] = [];
    for (let round = 0; round < rounds; round++) {
      const result = await measure(attack, options);
      const { idle, abused, ratio, answered } = result;
      progress(
        `${attack}: ${idle.p50.toFixed(1)} → ${abused.p50.toFixed(1)} ms, ${ratio.toFixed(2)} times; ${JSON.stringify(answered)}`,
      );
      found.push(result);
    }
    results.push(medianByRatio(found));
  }
  return { attacks: results, missed: results.flatMap(missedBy) };
}

function medianByRatio(results: readonly Abused[]): Abused {
  const sorted = [...results].sort((a, b) => a.ratio - b.ratio);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (!median) throw new Error('No run, no median');
  return { ...median, memory: Math.max(...results.map(({ memory }) => memory)) };
}

function missedBy({ attack, ratio, memory }: Abused): string[] {
  const missed: string[] = [];
  if (!(ratio <= MOST_RATIO)) missed.push(`${attack}: ${ratio.toFixed(2)} times is more than ${MOST_RATIO}`);
  if (!(memory <= MOST_MEMORY)) missed.push(`${attack}: ${memory} bytes are more than ${MOST_MEMORY}`);
  return missed;
}

async function measure(name: AttackName, { store, profile, seconds, warmup }: AbuseOptions): Promise<Abused> {
  const place = await preparePlace({ store, profile });
  try {
    const newKey = async () => {
      const args = [
        AITBC,
        'keys',
        'create',
        ...place.args,
        '--scope',
        'client',
        '--scope',
        'miner',
        '--json',
      ];
      return JSON.parse((await run(process.execPath, args)).stdout).key as string;
    };
    const keys = { victim: await newKey(), abuser: await newKey() };
    const server = await startAt(place, { profile, flags: ['--mode', 'keyed'] });
    try {
      const attack: Attack = ATTACKS[name];
      for (let batch = 0; batch < (attack.batchesBefore ?? 0); batch++) await fill(server, keys.abuser);
      const submit = () => victim(server, keys.victim, { seconds, warmup });
      const before = await submit();
      const { result: abused, memory, answered } = await during(name, server, keys.abuser, submit);
      const idle = meanOf([before, await submit()]);
      return { attack: name, idle, abused, ratio: abused.p50 / idle.p50, memory, answered };
    } finally {
      await server.stop();
    }
  } finally {
    await place.remove();
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const meanOf = (latencies: readonly Latency[]): Latency => ({
  p50: mean(latencies.map(({ p50 }) => p50)),
  p99: mean(latencies.map(({ p99 }) => p99)),
});

async function fill({ url }: OwnServer, key: string): Promise<void> {
  const { method, path, body = '' } = fullBatch();
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const response = await fetch(`${url}${path}`, { method, headers, body: String(body) });
  if (!response.ok) throw new Error(`Filling the queue: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

async function victim(
  { url }: OwnServer,
  key: string,
  { seconds, warmup }: { seconds: number; warmup: number },
): Promise<Latency> {
  const args = ['--url', url, '--key', key, '--seconds', `${seconds}`, '--warmup', `${warmup}`];
  const { stdout } = await run(process.execPath, [program('victim'), ...args]);
  const latency = JSON.parse(stdout) as Latency | null;
  return latency ?? { p50: Number.POSITIVE_INFINITY, p99: Number.POSITIVE_INFINITY };
}

/** Runs something while an abuser is at work. */
async function during<T>(
  attack: AttackName,
  server: OwnServer,
  key: string,
  work: () => Promise<T>,
): Promise<{ result: T; memory: number; answered: Abused['answered'] }> {
  const args = ['--url', server.url, '--key', key, '--attack', attack];
  args.push('--connections', String(ABUSER_CONNECTIONS));
  const child = spawn(process.execPath, [program('abuser'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let answered: Abused['answered'] = {};
  const lines = createInterface(child.stdout).on('line', line => {
    answered = JSON.parse(line);
  });
  await Promise.race([once(lines, 'line'), exited]);
  child.stdin.write('Begin\n');
  let memory = server.residentBytes();
  const sampling = setInterval(() => {
    memory = Math.max(memory, server.residentBytes());
  }, MEMORY_MS);
  try {
    const result = await work();
    if (child.exitCode !== null) throw new Error(`The abuser ended with ${child.exitCode}`);
    return { result, memory, answered };
  } finally {
    clearInterval(sampling);
    child.kill();
    await exited;
  }
}
