import type { ChatMessage, SubmitJob } from '@aitbc/protocol';
import { writeChosen } from '../miners/chosen-miners.ts';
import type { Need } from '../miners/eligibility.ts';
import { writeDemand } from '../miners/passports.ts';
import type { ReadyQueue } from '../store/events.ts';
import type { JobContent } from './content.ts';

/*
 * The requirements of a job for its miner, derived from its request. Jobs with equal requirements share a queue, so
 * there should be few different ones: names of abilities, and a context length that the client chose or a power of two.
 */

/** The requirements that are stored with the queue instead of each job. They are shown as the job's constraints. */
export type Requirements = Pick<
  ReadyQueue,
  'region' | 'min_vram_gb' | 'min_context' | 'miners' | 'passport_demand'
>;

/**
 * The longest token of any tokenizer, in UTF-8 bytes. The vocabularies of GPT-4o, GPT-4 and Llama 3 have the longest
 * tokens, of 128 bytes. So a text of n bytes has at least n / 128 tokens.
 */
export const LONGEST_TOKEN_BYTES = 128;

/**
 * Every model accepts this many tokens. Smaller requirements are ignored, because they would only multiply the queues.
 */
const LEAST_CONTEXT = 2_048;

/** A request whose model is chosen. */
export type ModelJob = SubmitJob & { model: string };

/** Returns the requirements of a request. */
export function requirementsOf(request: ModelJob, content: JobContent): ReadyQueue {
  const { model, constraints } = request;
  return {
    model,
    region: constraints?.region ?? '',
    min_vram_gb: constraints?.min_vram_gb ?? 0,
    needs: needsOf(request).join(),
    min_context: constraints?.min_context ?? leastContext(request, content),
    miners: writeChosen(constraints),
    passport_demand: writeDemand(constraints),
  };
}

/** Returns the abilities that the model needs, sorted. */
function needsOf({ messages, input, tools, tool_choice, response_format }: SubmitJob): Need[] {
  if (input !== undefined) return ['embeddings'];
  return [
    ...(messages?.some(hasImage) ? (['images'] as const) : []),
    ...(response_format?.type === 'json_schema' ? (['json_schema'] as const) : []),
    'text',
    ...(tools && tools.length > 0 && tool_choice !== 'none' ? (['tools'] as const) : []),
  ];
}

const hasImage = ({ content }: ChatMessage) =>
  Array.isArray(content) && content.some(part => part.type === 'image_url');

/**
 * Returns the least number of tokens that any tokenizer makes of the prompt, rounded down to a power of two, or 0 if
 * every model accepts the prompt.
 */
function leastContext(request: SubmitJob, { text }: JobContent): number {
  // A character has at most 3 bytes, so this skips the exact count for most prompts.
  if (text.length * 3 < LEAST_CONTEXT * LONGEST_TOKEN_BYTES) return 0;
  const tokens = leastTokens(request);
  return tokens < LEAST_CONTEXT ? 0 : 2 ** Math.floor(Math.log2(tokens));
}

/**
 * Counts texts only: engines do not publish how many tokens an image takes. Inputs to embed are processed one at a
 * time.
 */
function leastTokens({ prompt, messages, input }: SubmitJob): number {
  if (input !== undefined) return Math.max(...inputsIn(input).map(tokensOf));
  return (messages ?? [])
    .flatMap(textsOf)
    .reduce((sum, text) => sum + tokensOf(text), tokensOf(prompt ?? ''));
}

const textsOf = ({ content }: ChatMessage): string[] =>
  typeof content === 'string' ? [content] : (content ?? []).flatMap(part => part.text ?? []);

function inputsIn(input: unknown): unknown[] {
  if (!Array.isArray(input)) return [input];
  return typeof input[0] === 'number' ? [input] : input;
}

/** `text` is a text or an array of token ids. */
const tokensOf = (text: unknown): number =>
  Array.isArray(text) ? text.length : Math.ceil(Buffer.byteLength(String(text)) / LONGEST_TOKEN_BYTES);
