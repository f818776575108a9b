import { FINISH_REASONS, type FinishReason, type JobParams, type ToolCall } from '@aitbc/protocol';
import { BackendError, type Generated, type Generation } from '../backend.ts';
import { errorIn, parseObject, readJson, readLines, type Server, send } from './http.ts';
import { usageFrom } from './usage.ts';

/** What the protocol between miner and server needs, and what would make one job into several. */
const RESERVED = [
  'model',
  'messages',
  'prompt',
  'stream',
  'stream_options',
  'n',
  'best_of',
  'echo',
  'user',
  'raw',
];

/**
 * Asks a server that speaks OpenAI's API for a completion, as a stream.
 *
 * @param path of the route: `/v1/chat/completions`
 * @param input what the route is to complete
 * @throws {BackendError}
 */
export async function complete(
  server: Server,
  path: string,
  input: object,
  { model, params, signal, onToken }: Generation,
): Promise<Generated> {
  const body = {
    ...samplingOf(params),
    ...input,
    model,
    stream: true,
    stream_options: { include_usage: true },
  };
  const response = await send(server, path, { body, signal });
  if (response.headers.get('content-type')?.includes('application/json')) {
    const body = await readJson(server, response, signal);
    if (!Array.isArray(body.choices)) throw failure(body);
    const answer = gather(onToken);
    answer.add(body);
    return answer.generated();
  }
  return await readEvents(server, response, signal, gather(onToken));
}

function samplingOf(params: JobParams) {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !RESERVED.includes(name)));
}

/** Server-sent events, `data: {…}` each, the last one `data: [DONE]`. */
async function readEvents(
  server: Server,
  response: Response,
  signal: AbortSignal,
  answer: Gathered,
): Promise<Generated> {
  for await (const line of readLines(server, response, signal)) {
    const data = /^data: ?(.*)$/.exec(line)?.[1];
    if (data === undefined) continue;
    if (data === '[DONE]') return answer.generated();
    const event = parseObject(server, data);
    if (event.error) throw failure(event);
    answer.add(event);
  }
  if (!answer.finished)
    throw new BackendError('The server broke off before the end of the text', { down: true });
  return answer.generated();
}

function failure(answer: Record<string, unknown>): BackendError {
  const message = errorIn(answer) ?? `no text, but ${JSON.stringify(answer).slice(0, 200)}`;
  return new BackendError(`The server: ${message}`);
}

/** What has come of an answer so far. */
interface Gathered {
  /** Takes a part, or the whole. */
  add(body: Record<string, unknown>): void;
  readonly finished: boolean;
  generated(): Generated;
}

function gather(onToken: Generation['onToken']): Gathered {
  const calls: ToolCall[] = [];
  let text = '';
  let usage: Pick<Generated, 'usage'> = {};
  let reason: unknown;
  return {
    add(body) {
      const choice = Object(Array.isArray(body.choices) ? body.choices[0] : undefined);
      const message = Object(choice.delta ?? choice.message);
      const piece: unknown = message.content ?? choice.text;
      if (typeof piece === 'string' && piece !== '') {
        text += piece;
        onToken?.(piece);
      }
      if (Array.isArray(message.tool_calls)) addCalls(calls, message.tool_calls);
      const counts = Object(body.usage);
      const counted = usageFrom(counts.prompt_tokens, counts.completion_tokens);
      if (counted.usage) usage = counted;
      reason = choice.finish_reason ?? reason;
    },
    get finished() {
      return typeof reason === 'string';
    },
    generated() {
      const finishReason = finishReasonOf(reason);
      const toolCalls = calls.filter(call => call.function.name !== '');
      return {
        text,
        ...(toolCalls.length > 0 && { toolCalls }),
        ...(finishReason && { finishReason }),
        ...usage,
      };
    },
  };
}

/** Calls come whole, or in pieces that an index puts together. */
function addCalls(calls: ToolCall[], pieces: readonly unknown[]): void {
  for (const piece of pieces) {
    const { index, id, function: called } = Object(piece);
    const at = Number.isInteger(index) && index >= 0 && index <= calls.length ? index : calls.length;
    const call = calls[at] ?? newCall();
    calls[at] = call;
    const { name, arguments: more } = Object(called);
    if (typeof id === 'string' && id !== '') call.id = id;
    if (typeof name === 'string') call.function.name += name;
    if (typeof more === 'string') call.function.arguments += more;
    else if (more) call.function.arguments = JSON.stringify(more);
  }
}

const newCall = (): ToolCall => ({
  id: `call_${crypto.randomUUID().replaceAll('-', '')}`,
  type: 'function',
  function: { name: '', arguments: '' },
});

/** Engines have more words for the end of a text than clients know. */
function finishReasonOf(reason: unknown): FinishReason | undefined {
  if (reason === 'function_call') return 'tool_calls';
  if (reason === 'eos' || reason === 'stop_sequence') return 'stop';
  return FINISH_REASONS.find(known => known === reason);
}
