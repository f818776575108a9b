import { BackendError, type Generation } from '../backend.ts';
import { allTexts, imagesIn, leastTokens, mostTokens, shownTexts, sumOf } from '../token-bounds.ts';
import { EngineError } from './engine-errors.ts';
import { readJson, type Server, send } from './http.ts';

/**
 * Counts a prompt where the server has a route for that, `/tokenize` of vLLM or `/apply-template` and `/tokenize` of
 * llama.cpp's server, so that one that does not fit is handed back before it takes anybody's time. Short prompts, which
 * are most, cost no request.
 */
export function createCounter(server: Server) {
  let canCount = true;

  async function ask(path: string, body: object, signal: AbortSignal): Promise<Record<string, unknown>> {
    return await readJson(server, await send(server, path, { body, signal }), signal);
  }

  /** Undefined where the server does not count. */
  async function count(
    { model, prompt, chat, signal }: Generation,
    isRaw: boolean,
  ): Promise<number | undefined> {
    const messages = chat?.messages ?? [{ role: 'user', content: prompt }];
    const tools = chat?.tools && { tools: chat.tools };
    const asked = isRaw ? { prompt } : { messages, ...tools, add_generation_prompt: true };
    const content = isRaw ? prompt : await templated({ messages, ...tools }, signal);
    // llama.cpp's server reads `content`, vLLM `prompt` or `messages`; they leave aside what they don't know.
    const templates = content !== undefined && { content, add_special: true, parse_special: true };
    const body = { ...((isRaw || content === undefined) && { model, ...asked }), ...templates };
    const { count, tokens } = await ask('/tokenize', body, signal);
    if (Number.isInteger(count) && Number(count) > 0) return Number(count);
    return Array.isArray(tokens) && tokens.length > 0 ? tokens.length : undefined;
  }

  /** Of llama.cpp's server; undefined of others. */
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
    /**
     * Resolves where the prompt fits, or nobody can tell.
     *
     * @param context of the model in tokens; undefined where it is not known
     * @throws {BackendError} of the class `refused` where it does not fit
     */
    async demandFits(generation: Generation, context: number | undefined, isRaw: boolean): Promise<void> {
      if (context === undefined) return;
      const least = sumOf(shownTexts(generation), leastTokens);
      if (least > context) throw tooLong(`${least} tokens or more`, context);
      // No prompt has more tokens than bytes, but for what a template adds.
      const isShort = sumOf(allTexts(generation), mostTokens) < context * NEAR;
      if (isShort || !canCount || imagesIn(generation) > 0) return;
      const tokens = await count(generation, isRaw).catch(error => {
        generation.signal.throwIfAborted();
        if (!(error instanceof BackendError)) throw error;
        if (error.failureClass === 'unsupported') canCount = false;
        // The engine will say itself what is wrong.
        return undefined;
      });
      if (tokens !== undefined && tokens >= context) throw tooLong(`${tokens} tokens`, context);
    },
  };
}

/** A template adds some tokens to each message. */
const NEAR = 0.9;

const tooLong = (has: string, context: number) =>
  new BackendError(`The prompt has ${has}, and prompt and answer together may have ${context}`, {
    failureClass: 'refused',
    code: 'context_length_exceeded',
  });
