import { OpenAiProblem, Problem } from '@aitbc/protocol';
import type { TSchema } from 'typebox';

const ERROR_WORDS: Record<number, string> = {
  400: 'A parameter is wrong or not supported',
  401: 'Missing or wrong API key',
  402: 'The balance does not cover the request',
  403: 'The key lacks the scope',
  404: 'Not found; for a model: no live miner offers it',
  409: 'The job was cancelled, or the idempotency key was used for another request',
  413: 'The body is too large',
  429: 'Too many requests at once',
  502: 'The miners failed',
  503: 'The service is not available now',
  504: 'No miner took the job before its time to live ended',
};

/** Returns the response schemas of a route of OpenAI's API: the given ones, and one for each error status. */
export function openAiResponses<S extends Record<number, TSchema>>(success: S, ...errors: number[]) {
  const problem = (description: string, status?: number) => ({
    description,
    content: {
      'application/json': { schema: OpenAiProblem },
      // Fastify's router answers some bad paths itself, for example one whose name is too long.
      ...(status === 404 && { 'application/problem+json': { schema: Problem } }),
    },
  });
  const problems = errors.map(status => [status, problem(ERROR_WORDS[status] ?? 'Error', status)] as const);
  return { ...success, ...Object.fromEntries(problems), default: problem('Any other error') } as S;
}
