import { LIMITS } from '@aitbc/protocol';
import type { LlamaModel, Sequence } from './node-llama-cpp.ts';

/** How many tokens are read at once. */
const STEP = 256;

interface TokenLogprob {
  token: string;
  logprob: number;
  bytes: number[] | null;
}

/**
 * Returns how likely the model found each token that it wrote, in the shape of OpenAI's API, before sampling,
 * as llama.cpp's server does. The model reads the text again, which is faster than a check of each token
 * during generation.
 *
 * @param top how many of the likeliest tokens to report for each token
 */
export async function logprobsOf(
  { model, sequence }: { model: LlamaModel; sequence: Sequence },
  prompt: readonly number[],
  tokens: readonly number[],
  { top, signal }: { top: number; signal: AbortSignal },
): Promise<Record<string, unknown>[]> {
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  const unread = prompt.slice(sequence.nextTokenIndex, -1);
  if (unread.length > 0) await sequence.evaluateWithoutGeneratingNewTokens(unread);
  const told: Record<string, unknown>[] = [];
  const includeTop = Math.min(Math.max(top, 0), LIMITS.topLogprobs);
  const steps = [...prompt.slice(-1), ...tokens];
  for (let at = 0; at < tokens.length; at += STEP) {
    signal.throwIfAborted();
    const input = steps.slice(at, Math.min(at + STEP, tokens.length)).map((token, index) => {
      const filter = { tokens: [tokens[at + index] ?? 0], includeMax: true, includeTop };
      return [token, { generateNext: { logits: { filter }, totalLogitWeight: true } }] as const;
    });
    const outputs = await sequence.controlledEvaluate(input);
    for (const [index, output] of outputs.entries()) {
      const { logits = new Map(), totalLogitWeight = 1 } = output?.next ?? {};
      const all = Math.max(...logits.values()) + Math.log(totalLogitWeight);
      const tell = (token: number): TokenLogprob =>
        tokenLogprob(model, token, (logits.get(token) ?? 0) - all);
      const likeliest = [...logits.entries()].sort(([, a], [, b]) => b - a).slice(0, includeTop);
      told.push({ ...tell(tokens[at + index] ?? 0), top_logprobs: likeliest.map(([token]) => tell(token)) });
    }
  }
  return told;
}

/** A token that is part of a character has no text of its own. */
function tokenLogprob(model: LlamaModel, token: number, logprob: number): TokenLogprob {
  const text = model.detokenize([token], true);
  return { token: text, logprob, bytes: text.includes('\ufffd') ? null : [...Buffer.from(text)] };
}
