import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processorSecondsOf } from '../processor-time.ts';
import { type Latency, medianOf, type StreamsRead } from '../results.ts';
import {
  type OwnServer,
  type Server,
  type StoreName,
  startCoordinator,
  startMiner,
  startProgram,
} from '../server.ts';
import type { Progress } from './progress.ts';

/** What a number of streams at once measured. */
export interface StreamsAtOnce {
  streams: number;
  /** What readers of the engine itself saw. */
  direct: StreamsRead;
  /** What readers behind the measured server saw. */
  through: StreamsRead;
  /** The delay of a token behind the server, minus the delay of a token of the engine itself. */
  added: Latency;
  /** Processor time of the server and of the miner for each token, in microseconds. Null where the system does not tell it. */
  processorMicros: number | null;
}

export interface StreamsOptions {
  /** The numbers of streams at once. */
  readers: readonly number[];
  seconds: number;
  /** In seconds, before each measurement. */
  warmup: number;
  rounds: number;
}

/** The pace of an engine: 50 tokens a second, in answers of four seconds. */
const PACE = ['--between-ms', '20', '--tokens', '200'];

const ENGINE = fileURLToPath(new URL('../paced-server.ts', import.meta.url));
const READERS = fileURLToPath(new URL('../stream-readers.ts', import.meta.url));

const run = promisify(execFile);

/** A server between readers and an engine. */
export type StartRelay = (engineUrl: string, streams: number) => Promise<readonly [Server, ...Server[]]>;

/** The coordinator and a miner that uses the engine. Readers use the first one's URL. */
export const aitbcRelay =
  (options: { store: StoreName; profile?: string | undefined; flags?: readonly string[] }): StartRelay =>
  async (engineUrl, streams) => {
    const coordinator = await startCoordinator(options);
    const flags = ['--backend', 'openai', '--backend-url', engineUrl, '--concurrency', `${streams}`];
    try {
      return [coordinator, await startMiner(coordinator.url, flags, options)];
    } catch (error) {
      await coordinator.stop();
      throw error;
    }
  };

/** Measures what a relay adds to the delay of tokens, at each number of streams at once. */
export async function streams(
  options: StreamsOptions,
  startRelay: StartRelay,
  progress: Progress,
): Promise<StreamsAtOnce[]> {
  const engine = await startProgram([ENGINE, ...PACE]);
  try {
    const relay = await startRelay(engine.url, Math.max(...options.readers));
    try {
      return await compare(engine, relay, options, progress);
    } finally {
      for (const server of relay.toReversed()) await server.stop();
    }
  } finally {
    await engine.stop();
  }
}

async function compare(
  engine: OwnServer,
  relay: readonly [Server, ...Server[]],
  { readers, rounds, ...options }: StreamsOptions,
  progress: Progress,
): Promise<StreamsAtOnce[]> {
  progress('Many streams at once, to warm up');
  // Single streams are not enough to compile the code of a running server.
  for (const { url } of [engine, relay[0]]) await readStreams(url, Math.max(...readers), options);
  const results: StreamsAtOnce[][] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const count of readers) {
      progress(`Round ${round} of ${rounds}: ${count} ${count === 1 ? 'stream' : 'streams'}`);
      results.push([await measure(engine, relay, count, options)]);
    }
  }
  return mediansOf(results);
}

/** Returns the median for each number of streams. */
export const mediansOf = (measured: readonly (readonly StreamsAtOnce[])[]): StreamsAtOnce[] =>
  [...Map.groupBy(measured.flat(), ({ streams }) => streams).values()].map(results =>
    medianOf(results, ({ added }) => added.p50),
  );

async function measure(
  engine: OwnServer,
  relay: readonly [Server, ...Server[]],
  count: number,
  options: Pick<StreamsOptions, 'seconds' | 'warmup'>,
): Promise<StreamsAtOnce> {
  const direct = await readStreams(engine.url, count, options);
  const before = secondsOf(relay);
  const through = await readStreams(relay[0].url, count, options);
  const used = secondsOf(relay) - before;
  const added = {
    p50: through.delay.p50 - direct.delay.p50,
    p99: through.delay.p99 - direct.delay.p99,
  };
  const processorMicros = (used / through.tokens) * 1e6;
  return {
    ...{ streams: count, direct, through, added },
    processorMicros: Number.isFinite(processorMicros) ? processorMicros : null,
  };
}

const secondsOf = (servers: readonly Server[]) =>
  servers.reduce((sum, { pid }) => sum + (processorSecondsOf(String(pid)) ?? Number.NaN), 0);

async function readStreams(
  url: string,
  count: number,
  { seconds, warmup }: Pick<StreamsOptions, 'seconds' | 'warmup'>,
): Promise<StreamsRead> {
  const options = ['--url', url, '--streams', count, '--seconds', seconds, '--warmup', warmup];
  const { stdout } = await run(process.execPath, [READERS, ...options.map(String)]);
  return JSON.parse(stdout);
}
