import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createParser } from 'eventsource-parser';

/*
 * Ollama's protocol (https://docs.ollama.com/api) in front of llama.cpp's server, which Ollama runs models
 * with. Ollama itself is in no package registry. This translates requests and answers, and makes nothing up.
 */

type Fields = Record<string, unknown>;

const COUNTS = { num_predict: 'max_tokens' } as const;

/** @returns its address, and a function to stop it */
export async function serveOllama(llamaServer: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(llamaServer, request, response).catch(error => {
      if (response.headersSent) response.end(`${JSON.stringify({ error: String(error) })}\n`);
      else reply(response, 500, { error: String(error) });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

async function answer(upstream: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const path = request.url ?? '';
  const body: Fields = request.method === 'POST' ? JSON.parse(await textOf(request)) : {};
  const ask = (route: string, fields?: Fields) =>
    fetch(upstream + route, {
      ...(fields && { method: 'POST', body: JSON.stringify(fields) }),
      headers: { 'content-type': 'application/json' },
      signal: gone.signal,
    });
  if (path.startsWith('/v1/'))
    return await pipe(await ask(path, request.method === 'POST' ? body : undefined), response);
  if (path === '/api/tags' || path === '/api/ps') return reply(response, 200, await modelsOf(ask));
  if (path === '/api/show') return reply(response, 200, await shown(ask));
  if (path === '/api/embed') {
    const embedded = await ask('/v1/embeddings', { model: body.model, input: body.input });
    const { data, usage } = (await embedded.json()) as { data: { embedding: number[] }[]; usage: Fields };
    const embeddings = data.map(({ embedding }) => embedding);
    return reply(response, 200, { model: body.model, embeddings, prompt_eval_count: usage.prompt_tokens });
  }
  if (path === '/api/chat' || path === '/api/generate') return await generate(path, body, ask, response);
  reply(response, 404, { error: 'not found' });
}

type Ask = (route: string, fields?: Fields) => Promise<Response>;

async function modelsOf(ask: Ask) {
  const { data } = (await (await ask('/v1/models')).json()) as { data: { id: string }[] };
  return { models: data.map(({ id }) => ({ name: `${id}:latest`, model: `${id}:latest` })) };
}

async function shown(ask: Ask) {
  const { default_generation_settings: settings } = (await (await ask('/props')).json()) as {
    default_generation_settings: { n_ctx: number };
  };
  return {
    capabilities: ['completion', 'tools', 'embedding'],
    model_info: { 'general.architecture': 'llama', 'llama.context_length': settings.n_ctx },
  };
}

async function generate(path: string, body: Fields, ask: Ask, response: ServerResponse): Promise<void> {
  const isRaw = body.raw === true;
  const asked = {
    ...optionsOf(Object(body.options)),
    ...formOf(body.format),
    ...{ model: body.model, stream: true, stream_options: { include_usage: true } },
    ...(isRaw ? { prompt: body.prompt } : { messages: messagesOf(path, body), tools: body.tools }),
  };
  const answered = await ask(isRaw ? '/v1/completions' : '/v1/chat/completions', asked);
  if (!answered.ok) {
    const { error } = (await answered.json()) as { error: { message: string } };
    return reply(response, answered.status, { error: error.message });
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const tell = (line: Fields) => response.write(`${JSON.stringify({ model: body.model, ...line })}\n`);
  const part = (text: string) =>
    path === '/api/chat' ? { message: { role: 'assistant', content: text } } : { response: text };
  let end: Fields = { done_reason: 'stop' };
  const parser = createParser({
    onEvent({ data }) {
      if (data === '[DONE]') return;
      const { choices = [], usage } = JSON.parse(data);
      const [choice = {}] = choices;
      const text = choice.delta?.content ?? choice.text;
      if (text) tell({ ...part(text), done: false });
      if (choice.finish_reason) end = { ...end, done_reason: choice.finish_reason };
      if (usage)
        end = { ...end, prompt_eval_count: usage.prompt_tokens, eval_count: usage.completion_tokens };
    },
  });
  const decoder = new TextDecoder();
  for await (const bytes of answered.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }));
  tell({ ...part(''), done: true, ...end });
  response.end();
}

function messagesOf(path: string, { system, prompt, messages }: Fields) {
  if (path === '/api/chat') return (messages as Fields[]).map(withTypedCalls);
  const first = typeof system === 'string' && system !== '' ? [{ role: 'system', content: system }] : [];
  return [...first, { role: 'user', content: prompt }];
}

/** Ollama's calls have objects as arguments, no type and, in older versions, no id. */
function withTypedCalls({ tool_calls, ...message }: Fields): Fields {
  if (!Array.isArray(tool_calls)) return message;
  const typed = tool_calls.map(({ function: { name, arguments: params }, id }, index) => ({
    id: id ?? `call_${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(params) },
  }));
  return { ...message, tool_calls: typed };
}

function optionsOf(options: Fields): Fields {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => name !== 'num_ctx')
      .map(([name, value]) => [COUNTS[name as keyof typeof COUNTS] ?? name, value]),
  );
}

function formOf(format: unknown): Fields {
  if (format === 'json') return { response_format: { type: 'json_object' } };
  if (typeof format !== 'object' || format === null) return {};
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format } } };
}

async function pipe(answered: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answered.status, {
    'content-type': answered.headers.get('content-type') ?? 'application/json',
  });
  for await (const bytes of answered.body ?? []) response.write(bytes);
  response.end();
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
