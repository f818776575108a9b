import { OpenAiProblem, Problem } from '@aitbc/protocol';
import type { TSchema } from 'typebox';

const ERROR_WORDS: Record<number, string> = {
  400: 'A parameter is wrong, or asks for what is not served',
  401: 'Missing or wrong API key',
  402: 'Not covered by the balance',
  403: 'The key lacks the scope',
  404: 'Not found; of a model, that no live miner offers it',
  409: 'In conflict with what there is: the job was cancelled, or the idempotency key was used for another request',
  413: 'Body too large',
  429: 'Too many at once',
  502: 'Miners failed',
  503: 'Not available now',
  504: 'No miner took the job in its time to live',
};

/** Response schemas of routes whose errors are in OpenAI's shape. */
export function openAiAnswers<S extends Record<number, TSchema>>(success: S, ...errors: number[]) {
  const problem = (description: string, status?: number) => ({
    description,
    content: {
      'application/json': { schema: OpenAiProblem },
      // Of a path that no route is for, such as one with a name that is too long.
      ...(status === 404 && { 'application/problem+json': { schema: Problem } }),
    },
  });
  const problems = errors.map(status => [status, problem(ERROR_WORDS[status] ?? 'Error', status)] as const);
  return { ...success, ...Object.fromEntries(problems), default: problem('Any other error') } as S;
}
