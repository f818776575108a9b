import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createHistogram, performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { latencyOf, type StreamsRead } from './results.ts';
import { sharedMicros, stampsIn } from './stamped-tokens.ts';

/*
 * Reads streams of stamped tokens in its own process, a number of them at once. A reader asks for its next stream when
 * the one before has ended. It prints how long tokens took from the engine to here, and how many came.
 */

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    streams: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '1' },
  },
});

const CHAT = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'Hello' }], stream: true });
/** Readers start one after the other within this time, so that their tokens do not come at the same moments. */
const START_WITHIN_MS = 500;

const streams = Number(values.streams);
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
// The first request of a server that has just started takes seconds.
const first = await ask();
await once(first, 'data');
first.destroy();
const from = performance.now() + START_WITHIN_MS + Number(values.warmup) * 1000;
const until = from + Number(values.seconds) * 1000;
const delay = createHistogram();
const firstToken = createHistogram();
let tokens = 0;
let measuredTokens = 0;

const isMeasured = () => performance.now() >= from && performance.now() < until;
const pause = (ms: number) => new Promise<void>(over => setTimeout(over, ms));

async function read(index: number): Promise<void> {
  await pause((index / streams) * START_WITHIN_MS);
  while (performance.now() < until) await readStream();
}

async function readStream(): Promise<void> {
  const asked = performance.now();
  const response = await ask();
  response.setEncoding('utf8');
  if (response.statusCode !== 200)
    throw new Error(`${response.statusCode} ${await Array.fromAsync(response)}`);
  let rest = '';
  let isFirst = true;
  for await (const piece of response) {
    const now = sharedMicros();
    rest += piece;
    const stamps = stampsIn(rest);
    if (stamps.length > 0 && isFirst) {
      isFirst = false;
      firstToken.record(Math.round((performance.now() - asked) * 1000));
    }
    tokens += stamps.length;
    if (isMeasured()) {
      measuredTokens += stamps.length;
      for (const stamp of stamps) delay.record(Math.max(1, now - stamp));
    }
    // A token is complete in one piece, but for one that was cut on the way.
    rest = rest.slice(Math.max(rest.lastIndexOf(' ') + 1, rest.length - 32));
    if (performance.now() >= until) break;
  }
  if (performance.now() < until && !rest.endsWith('[DONE]\n\n'))
    throw new Error(`A stream ended with ${rest}`);
}

function ask(): Promise<IncomingMessage> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(CHAT),
    ...(values.key && { authorization: `Bearer ${values.key}` }),
  };
  return new Promise((resolve, reject) => {
    const url = `${values.url}/v1/chat/completions`;
    request(url, { method: 'POST', headers, agent }, resolve).on('error', reject).end(CHAT);
  });
}

await Promise.all(Array.from({ length: streams }, (_, index) => read(index)));
agent.destroy();
const [delays, firstTokens] = [latencyOf(delay), latencyOf(firstToken)];
if (!delays || !firstTokens) throw new Error('Not one token came in time');
const tokensPerSecond = measuredTokens / Number(values.seconds);
const result: StreamsRead = { delay: delays, firstToken: firstTokens, tokens, tokensPerSecond };
process.stdout.write(`${JSON.stringify(result)}\n`);
