import type { ModelAbilities, PassportStatement } from '@aitbc/protocol';
import { contextLength, inTime, lookUpEach } from '../abilities.ts';
import { BackendError } from '../backend.ts';
import { readJson, type Server, send } from './http.ts';
import { passportIn } from './ollama-passport.ts';

/** What Ollama reports about a model. */
export interface ModelDetails {
  abilities: ModelAbilities;
  /** Undefined when Ollama does not report it. */
  thinks: boolean | undefined;
  /** The context that the model file sets, in tokens. */
  numCtx: number | undefined;
  /** What a passport has of the model, without engine and context. */
  passport: PassportStatement;
}

/** Caches what `POST /api/show` reports, for each version of a model. */
export function createDetails(server: Server) {
  const known = new Map<string, { digest: string; details: ModelDetails }>();

  async function show(model: string, signal: AbortSignal): Promise<ModelDetails> {
    const response = await send(server, '/api/show', { body: { model }, signal });
    return detailsIn(await readJson(server, response, signal));
  }

  return {
    async of(model: string): Promise<ModelDetails | undefined> {
      return known.get(model)?.details ?? (await inTime(signal => show(model, signal)));
    },
    /** @param digests the models' digests by name */
    async all(
      digests: ReadonlyMap<string, string>,
      signal?: AbortSignal,
    ): Promise<Map<string, ModelDetails>> {
      const isNew = ([model, digest]: [string, string]) => known.get(model)?.digest !== digest;
      const changed = [...digests].filter(isNew).map(([model]) => model);
      for (const [model, details] of await lookUpEach(changed, show, signal))
        known.set(model, { digest: digests.get(model) ?? '', details });
      for (const model of known.keys()) if (!digests.has(model)) known.delete(model);
      return new Map([...known].map(([model, { details }]) => [model, details]));
    },
  };
}

export type Details = ReturnType<typeof createDetails>;

function detailsIn(shown: Record<string, unknown>): ModelDetails {
  const { capabilities, model_info, parameters } = shown;
  const can = Array.isArray(capabilities) ? capabilities.map(String) : undefined;
  const infos = Object.entries(Object(model_info));
  const length = contextLength(infos.find(([key]) => key.endsWith('.context_length'))?.[1]);
  const numCtx = /^\s*num_ctx\s+"?(\d+)/m.exec(typeof parameters === 'string' ? parameters : '')?.[1];
  return {
    abilities: {
      ...(length !== undefined && { context_length: length }),
      ...(can && {
        text: can.includes('completion'),
        embeddings: can.includes('embedding'),
        tools: can.includes('tools'),
        images: can.includes('vision'),
      }),
    },
    thinks: can?.includes('thinking'),
    numCtx: contextLength(Number(numCtx)),
    passport: passportIn(shown),
  };
}

/** The context that every version of Ollama gives a model by default, at least. */
const SURE_CONTEXT = 2_048;
/**
 * The smallest context to ask for. Larger ones are doubles of it, so that jobs of different sizes share a
 * loaded model.
 */
const FIRST_STEP = 4_096;
/**
 * How long a model keeps a larger context after a job that needed it, since jobs of both sizes may alternate.
 */
const KEEP_MS = 10 * 60_000;

/** The tokens that a prompt and its answer take. */
export interface TokenNeed {
  /** The fewest tokens of the prompt with any tokenizer. */
  least: number;
  /** A likely upper bound of prompt and answer together. */
  likely: number;
  /** A certain upper bound of prompt and answer together. */
  most: number;
}

/**
 * Chooses the context, `num_ctx`, that models are loaded with: what a job needs, in steps. It is never less
 * than Ollama's own default, and never more than the model takes or its owner allows.
 */
export function createContexts(
  server: Server,
  details: Details,
  limitOf: (model: string) => number | undefined,
) {
  /** The contexts that Ollama chose by default when it loaded the models. */
  const unasked = new Map<string, number>();
  const kept = new Map<string, { size: number; until: number }>();

  function keptFor(model: string): number {
    const entry = kept.get(model);
    if (!entry || entry.until > performance.now()) return entry?.size ?? 0;
    kept.delete(model);
    return 0;
  }

  /** Records the answer of `GET /api/ps`. */
  function learn(answer: unknown): void {
    const { models } = Object(answer);
    for (const entry of Array.isArray(models) ? models : []) {
      const { name, model = name, context_length } = Object(entry);
      const size = contextLength(context_length);
      if (typeof model === 'string' && size !== undefined && keptFor(nameOf(model)) === 0)
        unasked.set(nameOf(model), size);
    }
  }

  async function running(signal: AbortSignal): Promise<boolean> {
    const answer = await inTime(async limit => {
      return await readJson(server, await send(server, '/api/ps', { signal: limit }), limit);
    }, signal);
    learn(answer);
    return Array.isArray(answer?.models);
  }

  /** Loads a model that is not loaded, as nothing else shows the context that Ollama gives it by default. */
  async function learnUnasked(model: string, signal: AbortSignal): Promise<void> {
    if (!(await running(signal)) || unasked.has(nameOf(model))) return;
    try {
      const body = { model, stream: false, shift: false };
      await readJson(server, await send(server, '/api/generate', { body, signal }), signal);
      await running(signal);
    } catch {
      // The job's own request will report the problem.
      signal.throwIfAborted();
    }
  }

  return {
    learn,
    /**
     * Returns the context to ask for; undefined when Ollama's default is enough.
     *
     * @param isCertain whether the prompt did not fit the likely size
     * @throws {BackendError} for a prompt that the model can not take
     */
    async sizeFor(
      model: string,
      need: TokenNeed,
      { isCertain = false, signal }: { isCertain?: boolean; signal: AbortSignal },
    ): Promise<number | undefined> {
      const name = nameOf(model);
      const wanted = isCertain ? need.most : need.likely;
      if (wanted <= SURE_CONTEXT && keptFor(name) === 0) return undefined;
      const shown = await details.of(model);
      const lengths = [shown?.abilities.context_length, limitOf(model)].filter(
        length => length !== undefined,
      );
      const limit = Math.min(...lengths);
      if (need.least > limit) throw tooLong(need.least, limit);
      if (shown?.numCtx === undefined && !unasked.has(name) && keptFor(name) === 0)
        await learnUnasked(model, signal);
      const given = shown?.numCtx ?? unasked.get(name) ?? 0;
      if (wanted <= given && keptFor(name) <= given) return undefined;
      const size = Math.min(Math.max(stepOf(wanted), keptFor(name)), limit);
      if (size <= given) return undefined;
      if (wanted > (given || SURE_CONTEXT)) kept.set(name, { size, until: performance.now() + KEEP_MS });
      return size;
    },
  };
}

const tooLong = (tokens: number, limit: number) =>
  new BackendError(`The prompt has at least ${tokens} tokens, and this miner takes ${limit}`, {
    failureClass: 'refused',
    code: 'context_length_exceeded',
  });

const stepOf = (tokens: number) => Math.max(FIRST_STEP, 2 ** Math.ceil(Math.log2(tokens)));

/** Ollama adds the tag `:latest` to a name without a tag. */
const nameOf = (model: string) => (/:[^/]*$/.test(model) ? model : `${model}:latest`);
