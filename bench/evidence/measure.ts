import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenScore } from '../../packages/evidence/src/index.ts';
import {
  type ChatTemplate,
  createChatTemplate,
} from '../../packages/miner/src/backends/llama/chat-template.ts';
import {
  type Llama,
  type LlamaModel,
  loadNodeLlamaCpp,
  type NodeLlamaCpp,
  type Sequence,
} from '../../packages/miner/src/backends/llama/node-llama-cpp.ts';
import { write } from '../../packages/miner/src/backends/llama/write.ts';
import { answerTokens, scoreTokens } from '../../packages/miner/src/verifying/llama-reader.ts';
import type { JobParams } from '../../packages/protocol/src/index.ts';
import type { Progress } from '../scenarios/progress.ts';
import { copyGguf } from './gguf.ts';
import { POPULATIONS, type Population, passages, SETTINGS, type Setting, WEIGHTS } from './populations.ts';
import { type Answer, altered } from './texts.ts';

/* Lets honest and cheating miners answer prompts, and a verifier with the reference weights read the answers. */

export interface Measured {
  setting: Pick<Setting, 'temperature' | 'top_p'>;
  population: string;
  honest: boolean;
  /** For each answer the numbers of its tokens. */
  answers: TokenScore[][];
}

export interface MeasureOptions {
  /** The model in GGUF, whose weights are the reference. */
  gguf: string;
  /** Where changed weights are written. They are kept for the next run. */
  folder: string;
  prompts: readonly string[];
  /** The most tokens of an answer. */
  tokens: number;
}

type Key = string;

export async function measure(options: MeasureOptions, progress: Progress): Promise<Measured[]> {
  const library = await loadNodeLlamaCpp();
  const llama = await library.getLlama({
    build: 'never',
    logLevel: 'error',
    progressLogs: false,
    maxThreads: 1,
  });
  try {
    const users = options.prompts;
    const written = new Map<Key, Answer[]>();
    for (const weights of Object.keys(WEIGHTS)) {
      const populations = POPULATIONS.filter(population => population.weights === weights);
      const model = await llama.loadModel({ modelPath: weightsFile(options, weights, progress) });
      for (const population of populations) {
        const engine = await openEngine({ library, llama, model }, population);
        for (const setting of SETTINGS.filter(({ populations }) => populations.includes(population.name))) {
          progress(`Temperature ${setting.temperature}: ${population.name}`);
          written.set(
            keyOf(setting, population.name),
            await answersOf(engine, population, setting, users, options),
          );
        }
        await engine.close();
      }
      await model.dispose();
    }
    return await verify(library, llama, written, users, options, progress);
  } finally {
    await llama.dispose();
  }
}

const keyOf = ({ temperature }: Pick<Setting, 'temperature'>, name: string): Key => `${temperature} ${name}`;

function weightsFile({ gguf, folder }: MeasureOptions, weights: string, progress: Progress): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${weights.replaceAll(' ', '-')}.gguf`);
  if (!existsSync(path)) {
    progress(`Writing weights: ${weights}`);
    copyGguf(gguf, path, WEIGHTS[weights] ?? {});
  }
  return path;
}

interface Loaded {
  library: NodeLlamaCpp;
  llama: Llama;
  model: LlamaModel;
}

interface Engine extends Loaded {
  template: ChatTemplate;
  sequences: Sequence[];
  close(): Promise<void>;
}

/** Side by side, a CPU generates several times as many tokens. */
const AT_ONCE = 8;

async function openEngine(
  loaded: Loaded,
  { kv, atOnce = AT_ONCE }: Pick<Population, 'kv' | 'atOnce'>,
): Promise<Engine> {
  const { fileInfo, tokens } = loaded.model;
  const { chat_template } = Object(fileInfo.metadata.tokenizer);
  const context = await loaded.model.createContext({
    ...{ sequences: atOnce, contextSize: 512 },
    ...(kv && { flashAttention: true, experimentalKvCacheKeyType: kv, experimentalKvCacheValueType: kv }),
  });
  return {
    ...loaded,
    template: createChatTemplate(chat_template, { bos: tokens.bosString ?? '', eos: tokens.eosString ?? '' }),
    sequences: Array.from({ length: atOnce }, () => context.getSequence()),
    close: () => context.dispose(),
  };
}

function promptTokens(
  { model, template }: Engine,
  { system, user }: { system?: string; user: string },
): number[] {
  const messages = [
    ...(system ? [{ role: 'system', content: system }] : []),
    { role: 'user', content: user },
  ];
  return model.tokenize(template.render({ messages } as never), true);
}

async function answersOf(
  engine: Engine,
  population: Population,
  setting: Setting,
  users: readonly string[],
  { tokens }: MeasureOptions,
): Promise<Answer[]> {
  const {
    prompt = user => ({ user }),
    temperature = setting.temperature,
    repeat_penalty = 1,
    seed = 0,
  } = population;
  const answers: Answer[] = new Array(users.length);
  const work = users.entries();
  // Whoever is done takes the next prompt, so that answers are generated side by side.
  const worker = async (sequence: Sequence) => {
    for (const [index, user] of work) {
      const written = await write(
        { ...engine, sequence },
        {
          prompt: promptTokens(engine, prompt(user)),
          limit: tokens,
          params: {
            ...{ temperature, top_p: setting.top_p, top_k: 0, min_p: 0, repeat_penalty },
            seed: 1_000 * seed + index,
          } as JobParams,
          ...{ spelled: new Set<number>(), signal: new AbortController().signal, reuses: true },
          read: () => undefined,
        },
      );
      answers[index] = {
        text: engine.model.detokenize(written.tokens),
        ended: written.count > written.tokens.length,
      };
    }
  };
  await Promise.all(engine.sequences.map(worker));
  return answers;
}

async function verify(
  library: NodeLlamaCpp,
  llama: Llama,
  written: ReadonlyMap<Key, Answer[]>,
  users: readonly string[],
  options: MeasureOptions,
  progress: Progress,
): Promise<Measured[]> {
  const model = await llama.loadModel({ modelPath: weightsFile(options, 'reference', progress) });
  const verifier = await openEngine({ library, llama, model }, {});
  const vocabulary = [...model.iterateAllTokens()].length;
  const [sequence] = verifier.sequences;
  if (!sequence) throw new Error('The verifier has no context');
  const measured = SETTINGS.flatMap(setting => {
    const honest = written.get(keyOf(setting, 'honest')) ?? [];
    const generated = setting.populations.map(name => ({
      population: name,
      texts: written.get(keyOf(setting, name)) ?? [],
    }));
    const others = Object.entries(altered(honest, users, passages(users.length))).filter(([name]) =>
      setting.altered.includes(name),
    );
    return [...generated, ...others.map(([population, texts]) => ({ population, texts }))].map(
      ({ population, texts }) => ({
        ...{ setting, population, texts, answers: [] as TokenScore[][] },
        honest: POPULATIONS.some(({ name, honest }) => name === population && honest),
      }),
    );
  });
  for (const [index, user] of users.entries()) {
    progress(`Reading the answers to prompt ${index + 1} of ${users.length}`);
    const prompt = promptTokens(verifier, { user });
    for (const { setting, population, texts, answers } of measured) {
      const answer = texts[index];
      if (!answer) continue;
      const isKnown = POPULATIONS.find(({ name }) => name === population)?.repeat_penalty === undefined;
      answers.push(
        await scoreTokens(sequence, prompt, answerTokens(model, answer), {
          ...{ temperature: setting.temperature, vocabulary, signal: new AbortController().signal },
          sampler: isKnown ? { top_k: 0, top_p: setting.top_p, min_p: 0 } : null,
        }),
      );
    }
  }
  await verifier.close();
  await model.dispose();
  return measured.map(({ setting: { temperature, top_p }, population, honest, answers }) => ({
    ...{ setting: { temperature, top_p }, population, honest },
    answers: answers.filter(tokens => tokens.length > 0),
  }));
}
