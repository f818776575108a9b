import { LIMITS, type PassportStatement, type VerificationTask } from '@aitbc/protocol';
import { textHash } from '@aitbc/receipts';
import { BackendError } from '../backend.ts';
import { type LlamaOptions, openLlama, textFor, tokensOf } from '../backends/llama.ts';
import { answerTokens, scoreTokens } from './llama-reader.ts';
import type { AnswerReader } from './reader.ts';
import { samplerOf, temperatureOf } from './sampler.ts';

/**
 * Opens a GGUF file to read answers with.
 *
 * @throws {BackendError} when node-llama-cpp is not installed or the file can not be loaded
 */
export async function llamaReader(options: LlamaOptions): Promise<AnswerReader> {
  const { llama, model, sequences, template, passportOf } = await openLlama(options);
  const passport = await passportOf();
  const { weights, engine, build } = passport;
  const [sequence] = sequences;
  if (!sequence || !weights || !engine) throw new BackendError('The model can not be identified');
  const vocabulary = [...model.iterateAllTokens()].length;
  return {
    engine: { name: engine.value, build: build?.value ?? 'unknown' },
    weights: weights.value,
    async read(task, signal) {
      const { request, parameters, answer } = task;
      const temperature = temperatureOf(parameters);
      if (temperature === undefined) throw new BackendError('The temperature of the job is not known');
      const rendered = textFor(generationOf(task), template);
      const isRendered = isRenderedEqually(task, rendered, passport);
      const prompt = tokensOf(model, rendered);
      const most = Math.min(sequence.contextSize - prompt.length, LIMITS.verificationTokens);
      const tokens = answerTokens(model, answer).slice(0, Math.max(most, 0));
      if (tokens.length === 0)
        throw new BackendError(
          `Prompt and answer do not fit into the ${sequence.contextSize} tokens of this verifier`,
        );
      const isPlain = parameters.raw === true && !request.messages;
      const sampler = isRendered || isPlain ? samplerOf(parameters) : null;
      return await scoreTokens(sequence, prompt, tokens, { temperature, sampler, vocabulary, signal });
    },
    close: () => llama.dispose(),
  };
}

function generationOf({ request: { prompt, messages, tools, tool_choice }, parameters }: VerificationTask) {
  const chat = messages && { messages, ...(tools && { tools }), ...(tool_choice && { tool_choice }) };
  return { prompt, params: parameters, ...(chat && { chat }) };
}

/**
 * Whether the miner's engine is known to have rendered the prompt as this one does. Where neither the rendered prompt nor
 * the template is known, the prompt may have been another one.
 *
 * @throws {BackendError} when it is known to have rendered it otherwise: then the scores would say nothing
 */
function isRenderedEqually(task: VerificationTask, rendered: string, passport: PassportStatement): boolean {
  const { rendered_prompt_hash, salt, chat_template } = task;
  if (rendered_prompt_hash) {
    if (textHash(salt, rendered) === rendered_prompt_hash) return true;
    throw new BackendError('The miner’s engine renders this prompt differently');
  }
  if (!chat_template) return false;
  if (passport.chat_template?.value === chat_template) return true;
  throw new BackendError('The miner’s model has another chat template');
}
