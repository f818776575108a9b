import { BackendError, type Generation } from '../backend.ts';
import { allTexts, imagesIn, maxTokens, minTokens, shownTexts, sumOf } from '../token-bounds.ts';
import { EngineError } from './engine-errors.ts';
import { readJson, type Server, send } from './http.ts';

/**
 * Counts a prompt's tokens when the server has a route for that: `/tokenize` of vLLM, or `/apply-template`
 * and `/tokenize` of llama.cpp's server. A prompt that does not fit is then rejected before it costs any
 * time. Short prompts, which are most, need no request.
 */
export function createCounter(server: Server) {
  let canCount = true;

  async function ask(path: string, body: object, signal: AbortSignal): Promise<Record<string, unknown>> {
    return await readJson(server, await send(server, path, { body, signal }), signal);
  }

  /** Returns undefined when the server can not count. */
  async function count(
    { model, prompt, chat, signal }: Generation,
    isRaw: boolean,
  ): Promise<number | undefined> {
    const messages = chat?.messages ?? [{ role: 'user', content: prompt }];
    const tools = chat?.tools && { tools: chat.tools };
    const asked = isRaw ? { prompt } : { messages, ...tools, add_generation_prompt: true };
    const content = isRaw ? prompt : await templated({ messages, ...tools }, signal);
    // llama.cpp's server reads `content`; vLLM reads `prompt` or `messages`. Both ignore the other fields.
    const templates = content !== undefined && { content, add_special: true, parse_special: true };
    const body = { ...((isRaw || content === undefined) && { model, ...asked }), ...templates };
    const { count, tokens } = await ask('/tokenize', body, signal);
    if (Number.isInteger(count) && Number(count) > 0) return Number(count);
    return Array.isArray(tokens) && tokens.length > 0 ? tokens.length : undefined;
  }

  /** Returns undefined on servers other than llama.cpp's. */
  async function templated(asked: object, signal: AbortSignal): Promise<string | undefined> {
    try {
      const { prompt } = await ask('/apply-template', asked, signal);
      return typeof prompt === 'string' ? prompt : undefined;
    } catch (error) {
      if (error instanceof EngineError) return undefined;
      throw error;
    }
  }

  return {
    /** Returns the prompt that the template of llama.cpp's server makes. Undefined when it shows none. */
    render: (asked: object, signal: AbortSignal) => templated(asked, signal).catch(() => undefined),
    /**
     * Resolves when the prompt fits, or its tokens can not be counted.
     *
     * @param context tokens of the model's context; undefined when unknown
     * @throws {BackendError} of the class `refused` when it does not fit
     */
    async checkFits(generation: Generation, context: number | undefined, isRaw: boolean): Promise<void> {
      if (context === undefined) return;
      const least = sumOf(shownTexts(generation), minTokens);
      if (least > context) throw tooLong(`${least} tokens or more`, context);
      // Apart from what a template adds, no prompt has more tokens than bytes.
      const isShort = sumOf(allTexts(generation), maxTokens) < context * NEAR;
      if (isShort || !canCount || imagesIn(generation) > 0) return;
      const tokens = await count(generation, isRaw).catch(error => {
        generation.signal.throwIfAborted();
        if (!(error instanceof BackendError)) throw error;
        if (error.failureClass === 'unsupported') canCount = false;
        // The generation will report the same problem.
        return undefined;
      });
      if (tokens !== undefined && tokens >= context) throw tooLong(`${tokens} tokens`, context);
    },
  };
}

/**
 * The share of the context from which prompts are counted, as a template adds some tokens to each message.
 */
const NEAR = 0.9;

const tooLong = (has: string, context: number) =>
  new BackendError(`The prompt has ${has}, and prompt and answer together may have ${context}`, {
    failureClass: 'refused',
    code: 'context_length_exceeded',
  });
