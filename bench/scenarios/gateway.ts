import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { type Latency, latencyOf } from '../results.ts';
import { type OwnServer, type StoreName, startCoordinator, startMiner, startProgram } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Gateway {
  /** How many streams are read each way. */
  streams: number;
  /** The time from the request to the first token at the engine itself. */
  direct: Latency;
  /** The same through the gateway: a coordinator and a miner that uses the same engine. */
  gateway: Latency;
  /** The time that the gateway adds. */
  overhead: Latency;
}

export interface GatewayOptions {
  store: StoreName;
  seconds: number;
  /** In seconds, with `connections` streams at once. */
  warmup: number;
  connections: number;
  profile?: string | undefined;
}

const ENGINE = fileURLToPath(new URL('../paced-server.ts', import.meta.url));
const CHAT = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'Hello' }], stream: true });

/** Measures the time to the first token of a stream, at the engine and through the gateway in turn. */
export async function gateway(options: GatewayOptions, progress: Progress): Promise<Gateway> {
  const stops: (() => Promise<void>)[] = [];
  const started = async (starting: Promise<OwnServer>) => {
    const server = await starting;
    stops.unshift(server.stop);
    return server.url;
  };
  try {
    const engine = await started(startProgram([ENGINE]));
    const coordinator = await started(startCoordinator(options));
    const flags = ['--backend', 'openai', '--backend-url', engine, '--concurrency', `${options.connections}`];
    await started(startMiner(coordinator, flags));
    progress('Many streams at once, to warm up');
    for (const url of [engine, coordinator]) await warmUp(url, options);
    progress('One at a time, from the engine and through the gateway in turn');
    return await compare(engine, coordinator, options.seconds);
  } finally {
    for (const stop of stops) await stop();
  }
}

/** Reads many streams at once, as single ones are not enough to compile the code of a running server. */
async function warmUp(url: string, { warmup, connections }: GatewayOptions): Promise<void> {
  const end = performance.now() + warmup * 1000;
  const reader = async () => {
    while (performance.now() < end) await firstToken(url);
  };
  await Promise.all(Array.from({ length: connections }, reader));
}

async function compare(engine: string, coordinator: string, seconds: number): Promise<Gateway> {
  const histograms = { direct: createHistogram(), gateway: createHistogram() };
  const end = performance.now() + seconds * 1000;
  let streams = 0;
  while (performance.now() < end) {
    record(histograms.direct, await firstToken(engine));
    record(histograms.gateway, await firstToken(coordinator));
    streams++;
  }
  const [direct, gateway] = [latencyOf(histograms.direct), latencyOf(histograms.gateway)];
  if (!direct || !gateway) throw new Error('Not one stream ended in time');
  const overhead = { p50: gateway.p50 - direct.p50, p99: gateway.p99 - direct.p99 };
  return { streams, direct, gateway, overhead };
}

const record = (histogram: RecordableHistogram, ms: number) => histogram.record(Math.round(ms * 1000));

/** Reads a stream to its end. Resolves with the milliseconds until its first token. */
async function firstToken(url: string): Promise<number> {
  const asked = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: CHAT,
  });
  let took: number | undefined;
  let text = '';
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    if (took === undefined && /"content":"[^"]/.test(text)) took = performance.now() - asked;
  }
  if (took === undefined || !text.endsWith('data: [DONE]\n\n')) throw new Error(`No whole stream: ${text}`);
  return took;
}
