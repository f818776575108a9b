import type { TokenUsage } from '@aitbc/protocol';
import type { Answered, Asked } from './endpoint.ts';

/**
 * The tokens of an answer, as OpenAI's API tells them: those of a prompt once, whichever of its choices counted them,
 * and those of all choices. Absent where nothing was counted, as is each count that one of the miners has not.
 */
export function usageOf(jobs: readonly Pick<Answered, 'usage'>[], { n }: Pick<Asked, 'n'>) {
  const prompts = Array.from({ length: Math.ceil(jobs.length / n) }, (_, at) =>
    jobs.slice(at * n, (at + 1) * n),
  );
  const ofPrompts = (name: keyof TokenUsage) => sum(prompts.map(choices => most(choices, name)));
  const ofChoices = (name: keyof TokenUsage) => sum(jobs.map(({ usage }) => usage?.[name]));
  const [prompt, completion] = [ofPrompts('prompt_tokens'), ofChoices('completion_tokens')];
  const [cached, reasoning] = [ofPrompts('cached_tokens'), ofChoices('reasoning_tokens')];
  if (prompt === undefined && completion === undefined) return {};
  // What was embedded is no text, and has no completion.
  const isWhole = prompt !== undefined && (completion !== undefined || !jobs.some(isText));
  return {
    usage: {
      ...(prompt !== undefined && { prompt_tokens: prompt }),
      ...(completion !== undefined && { completion_tokens: completion }),
      ...(isWhole && { total_tokens: prompt + (completion ?? 0) }),
      ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
      ...(reasoning !== undefined && { completion_tokens_details: { reasoning_tokens: reasoning } }),
    },
  };
}

/** The piece that ends with the usage, where that is wanted and known. */
export function usagePieces(head: object, jobs: readonly Answered[], asked: Asked): object[] {
  const usage = usageOf(jobs, asked);
  return asked.includeUsage && 'usage' in usage ? [{ ...head, choices: [], ...usage }] : [];
}

const isText = ({ result_type }: Partial<Answered>) => result_type !== 'embeddings';

function most(choices: readonly Pick<Answered, 'usage'>[], name: keyof TokenUsage): number | undefined {
  const counts = choices.flatMap(({ usage }) => usage?.[name] ?? []);
  return counts.length === 0 ? undefined : Math.max(...counts);
}

/** Undefined where one of them is. */
function sum(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce(
    (total, count) => (total === undefined || count === undefined ? undefined : total + count),
    0,
  );
}
