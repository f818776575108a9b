import type { TokenScore } from '@aitbc/evidence';
import type { LlamaModel, Sequence } from '../backends/llama/node-llama-cpp.ts';
import { createDistribution, scoreToken } from './distribution.ts';
import type { KnownSampler } from './sampler.ts';

/** How many tokens are read at once. What the model thinks of each is some 100 KB until it is scored. */
const STEP = 64;

/** How many of the likeliest tokens have exact values, up to this temperature and beyond it. */
const EXACT = { temperature: 1.3, below: 4_000, above: 16_000 };

export interface ReadingOptions {
  temperature: number;
  sampler: KnownSampler | null;
  vocabulary: number;
  signal: AbortSignal;
}

/** Scores the tokens of an answer, in one reading of the prompt and the answer. */
export async function scoreTokens(
  sequence: Sequence,
  prompt: readonly number[],
  answer: readonly number[],
  { temperature, sampler, vocabulary, signal }: ReadingOptions,
): Promise<TokenScore[]> {
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  await readTokens(sequence, prompt.slice(sequence.nextTokenIndex, -1), signal);
  // Exact totals are told for one temperature. What is beyond the exact values matters most at the higher one.
  const told = Math.max(temperature, 1);
  const includeTop = temperature > EXACT.temperature ? EXACT.above : EXACT.below;
  const options = { temperature: told, topK: 0, topP: 1, minP: 0 };
  const scores: TokenScore[] = [];
  for (let at = 0; at < answer.length; at += STEP) {
    signal.throwIfAborted();
    const expected = answer.slice(at, at + STEP);
    const read = [at === 0 ? prompt.at(-1) : answer[at - 1], ...expected.slice(0, -1)];
    const outputs = await sequence.controlledEvaluate(
      read.map((token = 0, index) => {
        const filter = { tokens: [expected[index] ?? 0], includeMax: true, includeTop };
        return [token, { generateNext: { logits: { filter }, totalLogitWeight: true, options } }] as const;
      }),
    );
    for (const [index, output] of outputs.entries()) {
      const { logits, totalLogitWeight: total } = output?.next ?? {};
      const own = logits?.get(expected[index] ?? 0);
      if (!logits || total === undefined || own === undefined)
        throw new Error('The engine told nothing of a token that it read');
      const best = [...logits.values()].sort((a, b) => b - a);
      const isExtra = best.length > includeTop;
      const exact = isExtra ? best.slice(0, includeTop) : best;
      const distribution = createDistribution(exact, { total, temperature: told, vocabulary });
      const behind = ((best[0] ?? 0) - own) * told;
      scores.push(scoreToken(distribution, behind, { temperature, sampler }));
    }
  }
  return scores;
}

/** How many tokens of a prompt are read between checks for cancellation. */
const PROMPT_STEP = 512;

async function readTokens(sequence: Sequence, tokens: readonly number[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < tokens.length; at += PROMPT_STEP) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + PROMPT_STEP));
  }
}

/**
 * The tokens of an answer's text, with the one that ends it where the model ended it by itself. They may be split
 * differently from those that were sampled. A half character at the end of a text that was cut is left out.
 */
export function answerTokens(model: LlamaModel, { text, ended }: { text: string; ended: boolean }): number[] {
  const tokens = model.tokenize(ended ? text : text.replace(/\ufffd+$/, ''), false);
  const end = model.tokens.eot ?? model.tokens.eos;
  return ended && end !== null && end !== undefined ? [...tokens, end] : tokens;
}
