import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { type Latency, latencyOf } from '../results.ts';
import { type StoreName, startCoordinator, startMiner } from '../server.ts';
import type { Progress } from './progress.ts';

/** The time to the first token of the turns of conversations, where each goes on where it was read before, and where not. */
export interface PrefixTimes {
  turns: number;
  with: TurnTimes;
  without: TurnTimes;
}

export interface TurnTimes {
  firstToken: Latency;
  /** The share of the prompts' tokens that came from the engines' memory. */
  cachedShare: number;
}

export interface PrefixOptions {
  store: StoreName;
  /** The path of a model in GGUF. */
  gguf: string;
  rounds: number;
}

const MINERS = 2;
/** Slots of each miner: enough for all conversations together. */
const SLOTS = 2;
const CONVERSATIONS = 4;
/** The order of the conversations in each turn. It changes, as idle miners take turns. */
const ORDERS = [
  [0, 1, 2, 3],
  [0, 2, 1, 3],
  [1, 0, 2, 3],
];
const MODEL = 'bench';

/** About 300 tokens: what an assistant is told before each conversation, each with its own subject. */
const systemPrompt = (subject: number) =>
  `You are assistant number ${subject}. `.concat(
    'Answer shortly, in plain words, and say what you are sure of. '.repeat(20),
  );

/** Measures both with the real engine, in turn, on coordinators and miners of their own. */
export async function prefixes(options: PrefixOptions, progress: Progress): Promise<PrefixTimes> {
  const times = { with: newTimes(), without: newTimes() };
  let turns = 0;
  for (let round = 1; round <= options.rounds; round++) {
    for (const kind of ['with', 'without'] as const) {
      progress(`Round ${round}: conversations ${kind} a memory of what miners have read`);
      turns += await converse(kind === 'with' ? 300 : 0, times[kind], options);
    }
  }
  return { turns: turns / 2, with: toTimes(times.with), without: toTimes(times.without) };
}

async function converse(
  prefixSeconds: number,
  times: Times,
  { store, gguf }: PrefixOptions,
): Promise<number> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const coordinator = await startCoordinator({ store, flags: ['--prefix-seconds', String(prefixSeconds)] });
    stops.unshift(coordinator.stop);
    for (let count = 0; count < MINERS; count++) {
      const flags = ['--gguf', gguf, '--model', MODEL, '--threads', '1', '--concurrency', String(SLOTS)];
      stops.unshift((await startMiner(coordinator.url, flags)).stop);
    }
    const conversations = Array.from({ length: CONVERSATIONS }, (_, at) => [
      { role: 'system', content: systemPrompt(at) },
    ]);
    let turns = 0;
    for (const [turn, order] of ORDERS.entries()) {
      for (const messages of order.map(at => conversations[at] ?? [])) {
        messages.push({ role: 'user', content: `Question ${turn}: what comes next?` });
        const { text, firstTokenMs, usage } = await ask(coordinator.url, messages);
        messages.push({ role: 'assistant', content: text });
        // Nobody can have read the first turn of a conversation before.
        if (turn === 0) continue;
        times.histogram.record(Math.round(firstTokenMs * 1000));
        times.prompt += usage.prompt_tokens;
        times.cached += usage.prompt_tokens_details?.cached_tokens ?? 0;
        turns++;
      }
    }
    return turns;
  } finally {
    for (const stop of stops) await stop();
  }
}

interface Usage {
  prompt_tokens: number;
  prompt_tokens_details?: { cached_tokens: number };
}

async function ask(url: string, messages: readonly object[]) {
  const asked = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: MODEL, messages, stream: true, stream_options: { include_usage: true } },
      ...{ max_tokens: 4, temperature: 0 },
    }),
  });
  let firstTokenMs: number | undefined;
  let events = '';
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    events += piece;
    if (/"content":"[^"]/.test(events)) firstTokenMs ??= performance.now() - asked;
  }
  const chunks = [...events.matchAll(/^data: (\{.*)$/gm)].map(([, json = '']) => JSON.parse(json));
  const text = chunks.map(({ choices }) => choices?.[0]?.delta.content ?? '').join('');
  const usage: Usage | undefined = chunks.findLast(chunk => chunk.usage)?.usage;
  if (firstTokenMs === undefined || !usage) throw new Error(`No whole stream: ${events}`);
  return { text, firstTokenMs, usage };
}

interface Times {
  histogram: RecordableHistogram;
  prompt: number;
  cached: number;
}

const newTimes = (): Times => ({ histogram: createHistogram(), prompt: 0, cached: 0 });

function toTimes({ histogram, prompt, cached }: Times): TurnTimes {
  const firstToken = latencyOf(histogram);
  if (!firstToken) throw new Error('Not one turn was answered');
  return { firstToken, cachedShare: cached / prompt };
}
