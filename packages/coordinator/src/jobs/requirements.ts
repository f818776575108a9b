import type { ChatMessage, SubmitJob } from '@aitbc/protocol';
import type { Need } from '../miners/eligibility.ts';
import type { ReadyQueue } from '../store/events.ts';
import type { JobContent } from './content.ts';

/*
 * What a job needs of a miner, read from what it asks for. Jobs with equal needs share a queue, so needs are few: names
 * of abilities, and a context length that is the client's own or a power of two.
 */

/** What a queue demands of miners is kept with the queue, not with each of its jobs. Shown as the job's constraints. */
export type Requirements = Pick<ReadyQueue, 'region' | 'min_vram_gb' | 'min_context'>;

/**
 * No tokenizer has a longer token, in bytes of UTF-8: 128 is the longest in the vocabularies of GPT-4o, GPT-4 and
 * Llama 3, which are those with the longest tokens. So a text of n bytes is n / 128 tokens at least.
 */
const LONGEST_TOKEN_BYTES = 128;

/** Every model takes so many tokens: smaller needs are none, or queues would be many for nothing. */
const LEAST_CONTEXT = 2_048;

/** The queue's requirements for a request. */
export function requirementsOf(request: SubmitJob, content: JobContent): ReadyQueue {
  const { model, constraints } = request;
  return {
    model,
    region: constraints?.region ?? '',
    min_vram_gb: constraints?.min_vram_gb ?? 0,
    needs: needsOf(request).join(),
    min_context: constraints?.min_context ?? leastContext(request, content),
  };
}

/** The abilities that a model must have at the miner, sorted. */
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

/** What any tokenizer makes of the prompt at least, rounded down to a power of two; 0 where every model takes it. */
function leastContext(request: SubmitJob, { text }: JobContent): number {
  // A character has 3 bytes at most, so most prompts are not looked at again.
  if (text.length * 3 < LEAST_CONTEXT * LONGEST_TOKEN_BYTES) return 0;
  const tokens = leastTokens(request);
  return tokens < LEAST_CONTEXT ? 0 : 2 ** Math.floor(Math.log2(tokens));
}

/** Of the texts only: what an image takes is the engine's secret. Inputs to embed are read one at a time. */
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

/** A text, or the numbers of its tokens. */
const tokensOf = (text: unknown): number =>
  Array.isArray(text) ? text.length : Math.ceil(Buffer.byteLength(String(text)) / LONGEST_TOKEN_BYTES);
