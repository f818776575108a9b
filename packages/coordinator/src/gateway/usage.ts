import type { TokenUsage } from '@aitbc/protocol';
import type { AnsweredJob, ModelRequest } from './endpoint.ts';

/**
 * Returns the token usage of an answer in OpenAI's format. The tokens of a prompt count once, however many choices it
 * has; those of all choices are summed. A count is absent if any of the miners did not report it.
 */
export function usageOf(jobs: readonly Pick<AnsweredJob, 'usage'>[], { n }: Pick<ModelRequest, 'n'>) {
  const prompts = Array.from({ length: Math.ceil(jobs.length / n) }, (_, at) =>
    jobs.slice(at * n, (at + 1) * n),
  );
  const sumOfPrompts = (name: keyof TokenUsage) => sum(prompts.map(choices => highestCount(choices, name)));
  const sumOfChoices = (name: keyof TokenUsage) => sum(jobs.map(({ usage }) => usage?.[name]));
  const [prompt, completion] = [sumOfPrompts('prompt_tokens'), sumOfChoices('completion_tokens')];
  const [cached, reasoning] = [sumOfPrompts('cached_tokens'), sumOfChoices('reasoning_tokens')];
  if (prompt === undefined && completion === undefined) return {};
  // Embeddings have prompt tokens only.
  const hasTotal = prompt !== undefined && (completion !== undefined || !jobs.some(isText));
  return {
    usage: {
      ...(prompt !== undefined && { prompt_tokens: prompt }),
      ...(completion !== undefined && { completion_tokens: completion }),
      ...(hasTotal && { total_tokens: prompt + (completion ?? 0) }),
      ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
      ...(reasoning !== undefined && { completion_tokens_details: { reasoning_tokens: reasoning } }),
    },
  };
}

/** Returns the event with the token usage if the client asked for it and the usage is known. */
export function usageEvents(head: object, jobs: readonly AnsweredJob[], request: ModelRequest): object[] {
  const usage = usageOf(jobs, request);
  return request.includeUsage && 'usage' in usage ? [{ ...head, choices: [], ...usage }] : [];
}

const isText = ({ result_type }: Partial<AnsweredJob>) => result_type !== 'embeddings';

function highestCount(
  choices: readonly Pick<AnsweredJob, 'usage'>[],
  name: keyof TokenUsage,
): number | undefined {
  const counts = choices.flatMap(({ usage }) => usage?.[name] ?? []);
  return counts.length === 0 ? undefined : Math.max(...counts);
}

/** Returns undefined if any of the counts is undefined. */
function sum(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce(
    (total, count) => (total === undefined || count === undefined ? undefined : total + count),
    0,
  );
}
