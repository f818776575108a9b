import type { OpenAiProblem, Problem } from '@aitbc/protocol';
import type { Answer, CallOptions, TestCoordinator } from './coordinator.ts';

/** What a refusal says to programs: `[400, 'VALIDATION_OUT_OF_RANGE', 'params.top_p']`, in whichever shape. */
export function refusal({ status, body }: Answer): (number | string | null)[] {
  const { error } = body as Partial<OpenAiProblem>;
  if (error) return [status, error.code, ...(error.param === null ? [] : [error.param])];
  const { error_code, field } = body as Problem;
  return field === undefined ? [status, error_code] : [status, error_code, field];
}

/** The address of the next page, resolved against the one that was asked for. */
export function nextPage({ headers }: Answer, path: string): string | undefined {
  const reference = /^<([^>]*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
  if (reference === undefined) return undefined;
  const { pathname, search } = new URL(reference, new URL(path, 'http://coordinator'));
  return pathname + search;
}

/** Follows the links from `path` to the end. `between` runs after each page. */
export async function allPages<Item>(
  coordinator: TestCoordinator,
  path: string,
  options: CallOptions = {},
  between: () => Promise<unknown> = async () => undefined,
): Promise<Item[][]> {
  const pages: Item[][] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const answer: Answer<Item[]> = await coordinator.call<Item[]>('GET', next, undefined, options);
    pages.push(answer.body);
    next = nextPage(answer, next);
    await between();
  }
  return pages;
}
