import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import type { Endpoint } from './endpoint.ts';

/** The endpoints of OpenAI's API that answer with jobs, by path. */
export const ENDPOINTS = {
  '/v1/chat/completions': chatCompletions,
  '/v1/completions': completions,
  '/v1/embeddings': embeddings,
} as const satisfies Record<string, Endpoint>;

export type EndpointPath = keyof typeof ENDPOINTS;
