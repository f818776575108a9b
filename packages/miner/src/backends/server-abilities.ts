import type { ModelAbilities } from '@aitbc/protocol';
import { type AbilitiesByModel, contextLength, inTime } from '../abilities.ts';
import { readJson, type Server, send } from './http.ts';

/**
 * How long a lookup is reused. Servers load their models at the start; only LM Studio changes a context
 * later.
 */
const FRESH_MS = 5 * 60_000;

/** What a server reports about its models outside OpenAI's API: see `ROUTES`. */
export interface ServerAbilities {
  /**
   * @param listed the `data` of `GET /v1/models`
   * @param signal ends the lookup
   */
  of(listed: unknown, signal?: AbortSignal): Promise<AbilitiesByModel>;
  /** Returns the tokens of prompt and answer together, as of the last lookup. */
  contextOf(model: string): number | undefined;
}

export function createServerAbilities(server: Server): ServerAbilities {
  let known: AbilitiesByModel = new Map();
  let asked = { about: '', at: Number.NEGATIVE_INFINITY };

  async function ask(path: string, signal: AbortSignal | undefined): Promise<Told> {
    return (
      (await inTime(async limit => {
        const response = await send(server, path, { signal: limit });
        const isJson = response.headers.get('content-type')?.includes('json');
        // Some servers answer any path, even with an endless body.
        if (!isJson) await response.body?.cancel();
        return isJson ? await readJson(server, response, limit) : {};
      }, signal)) ?? {}
    );
  }

  return {
    async of(listed, signal) {
      const entries = entriesOf(listed);
      const about = JSON.stringify(entries.map(({ created: _, ...entry }) => entry));
      if (about === asked.about && performance.now() - asked.at < FRESH_MS) return known;
      const routes = routesFor(entries);
      const answers = await Promise.all(
        routes.map(async route => read(route, await ask(route, signal), entries)),
      );
      const found = new Map<string, ModelAbilities>();
      for (const entry of entries) {
        const told = Object.assign(
          {},
          listedAbilities(entry),
          ...answers.map(answer => answer.get(entry.id)),
        );
        if (Object.keys(told).length > 0) found.set(entry.id, told);
      }
      asked = { about, at: performance.now() };
      known = found;
      return known;
    },
    contextOf: model => known.get(model)?.context_length,
  };
}

type Told = Record<string, unknown>;

interface Entry extends Told {
  id: string;
}

const entriesOf = (listed: unknown): Entry[] =>
  (Array.isArray(listed) ? listed : []).filter(entry => typeof Object(entry).id === 'string');

/** vLLM and SGLang report the context in the list itself. */
function listedAbilities({ max_model_len, context_length, context_window, meta }: Entry): ModelAbilities {
  const length = [max_model_len, Object(meta).n_ctx, context_length, context_window]
    .map(contextLength)
    .find(value => value !== undefined);
  return length === undefined ? {} : { context_length: length };
}

/** The routes where llama.cpp's server, LM Studio, SGLang and TGI report more. */
const ROUTES = ['/props', '/api/v0/models', '/get_model_info', '/info'] as const;
type Route = (typeof ROUTES)[number];

/** Chooses routes by the models' owner, so that a server is not asked for another product's route. */
function routesFor(entries: readonly Entry[]): readonly Route[] {
  const owner = `${entries[0]?.owned_by ?? ''}`;
  if (entries.length === 0 || owner === 'vllm') return [];
  if (owner === 'llamacpp') return ['/props'];
  if (owner === 'sglang') return ['/get_model_info'];
  if (owner === 'organization_owner') return ['/api/v0/models'];
  return ROUTES;
}

/** Returns an answer's abilities by model. An answer without names is about the server's only model. */
function read(route: Route, told: Told, entries: readonly Entry[]): Map<string, ModelAbilities> {
  if (route === '/api/v0/models') {
    return new Map(entriesOf(told.data).map(entry => [entry.id, lmStudioAbilities(entry)]));
  }
  const [only] = entries;
  const abilities = { '/props': propsAbilities, '/get_model_info': sglangAbilities, '/info': tgiAbilities }[
    route
  ](told);
  return new Map(only && entries.length === 1 ? [[only.id, abilities]] : []);
}

/** Reads `GET /props` of llama.cpp's server. The context is that of one slot, which is what one job gets. */
function propsAbilities({
  default_generation_settings,
  modalities,
  chat_template_caps,
}: Told): ModelAbilities {
  const { vision } = Object(modalities);
  const { supports_tools: takes, supports_tool_calls: calls } = Object(chat_template_caps);
  const tools = [takes, calls].filter(value => typeof value === 'boolean');
  return {
    ...lengthOf(Object(default_generation_settings).n_ctx),
    ...(typeof vision === 'boolean' && { images: vision }),
    ...(tools.length > 0 && { tools: tools.includes(true) }),
  };
}

/**
 * Reads an entry of `GET /api/v0/models` of LM Studio. It can call tools with any model; `tool_use` marks
 * those made for it.
 */
function lmStudioAbilities({
  type,
  capabilities,
  loaded_context_length,
  max_context_length,
}: Entry): ModelAbilities {
  const length = contextLength(loaded_context_length) ?? max_context_length;
  const isKnown = type === 'llm' || type === 'vlm' || type === 'embeddings';
  return {
    ...lengthOf(length),
    ...(isKnown && {
      text: type !== 'embeddings',
      embeddings: type === 'embeddings',
      images: type === 'vlm',
    }),
    ...(Array.isArray(capabilities) && capabilities.includes('tool_use') && { tools: true }),
  };
}

/** Reads `GET /get_model_info` of SGLang. */
function sglangAbilities({ is_generation }: Told): ModelAbilities {
  return typeof is_generation === 'boolean' ? { text: is_generation, embeddings: !is_generation } : {};
}

/** Reads `GET /info` of TGI. */
const tgiAbilities = ({ max_total_tokens }: Told): ModelAbilities => lengthOf(max_total_tokens);

function lengthOf(value: unknown): ModelAbilities {
  const length = contextLength(value);
  return length === undefined ? {} : { context_length: length };
}
