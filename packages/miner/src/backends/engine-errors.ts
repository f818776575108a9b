import { BackendError, type BackendErrorOptions } from '../backend.ts';

/** What an engine said about an error, in whatever format. */
export interface EngineSays {
  message: string;
  /** The engine's own code, or its type of error when it has no code. */
  code?: string;
  /** The HTTP status that the error itself names. */
  status?: number;
}

/** An error that the engine reported, with the HTTP status of its answer if there is one. */
export class EngineError extends BackendError {
  override name = 'EngineError';
  readonly status: number | undefined;

  constructor(message: string, { status, ...options }: BackendErrorOptions & { status: number | undefined }) {
    super(message, options);
    this.status = status;
  }
}

/** The longest message, in UTF-16 units. */
const LONGEST_MESSAGE = 2_000;

/**
 * Returns the classified error for what an engine said.
 *
 * @param kind the engine's name, for the message: `Ollama`
 * @param status the answer's status; absent for an error within a successful answer
 * @param retryAfter the header of that name
 */
export function engineError(
  kind: string,
  said: EngineSays | null,
  { status = said?.status, retryAfter }: { status?: number; retryAfter?: string | null } = {},
): EngineError {
  const message =
    said?.message.trim() || (status === undefined ? 'an error without a message' : `HTTP ${status}`);
  return new EngineError(`${kind}: ${message.slice(0, LONGEST_MESSAGE)}`, {
    status,
    code: said?.code,
    ...classify(status, `${said?.code ?? ''} ${message.slice(0, LONGEST_MESSAGE)}`, retryAfter),
  });
}

/** What engines say when the prompt, or prompt and answer together, are longer than the model takes. */
const CONTEXT = [
  /context_length_exceeded|exceed_context_size|string_above_max_length/i,
  /\b(maximum|max|available|allowed|the model'?s?) (context|model|sequence|input) (length|size|window)/i,
  /\b(exceed\w*|longer than|larger than|greater than|over the)\b.{0,80}\b(context|max_model_len|n_ctx)\b/i,
  /\bcontext\b.{0,40}\b(exceeded|overflow)/i,
  /context length of only|reached context length/i,
  /must have less than \d+ tokens/i,
  /tokens \+ `?max_new_tokens/i,
  /\b(prompt|input)( is|'s)? too (long|large)\b/i,
  /tokens\) is too large to process/i,
  /token count.{0,80}exceed|exceeds the maximum (allowed length|number of (input )?tokens)/i,
];

/** What engines say when they, or their start options, lack what the request needs. */
const UNSUPPORTED =
  /\b(does|do|did)(n['’]t| not) (appear to )?(currently )?(support|be an embedding)|\bnot (yet )?(supported|implemented)\b|\bunsupported\b|not_supported|\brequires?\b.{0,60}--|\bset --|\bwith (the )?`?--|chat.template|\bnot an? (embedding|multimodal|vision|chat|generative)|unexpected endpoint or method|no endpoints found that support|at most 0 /i;

const HARDWARE = /\bcuda\b|\bhip\b|\brocm\b|\bmetal\b|\bdriver\b/i;

const MODEL_GONE =
  /model_not_found|\bmodel\b.{0,200}\b(does not exist|not found|not (currently )?(loaded|available)|unloaded|no longer)|invalid model|not a valid model|unknown model|no endpoints found for|no models? (is )?loaded/i;

const BUSY =
  /\boverloaded|server (is )?busy|too many (concurrent )?requests|rate.?limit|queue is full|no slots? available|maximum pending requests/i;

const FLAGGED = /flagged|moderation|content.?(policy|filter)|guardrail|safety/i;

const INVALID_REQUEST = /invalid.?request|bad.?request|invalid_value|invalid_type|\bvalidation\b/i;

/** Statuses that say that the request itself is wrong. */
const REFUSED = [400, 406, 411, 413, 414, 415, 416, 422, 431];

function classify(
  status: number | undefined,
  words: string,
  retryAfter: string | null | undefined,
): BackendErrorOptions {
  if (status === 403 && FLAGGED.test(words)) return { failureClass: 'refused' };
  // The key is rejected, or nothing is paid, so no other job would succeed either.
  if (status !== undefined && [401, 402, 403, 407].includes(status)) return { down: true, isLockedOut: true };
  if (status === 429 || status === 503 || status === 529 || (isFault(status) && BUSY.test(words))) {
    const retryAfterSeconds = secondsOf(retryAfter);
    return { failureClass: 'busy', retryAfterSeconds, down: status === 503 };
  }
  if (CONTEXT.some(pattern => pattern.test(words)))
    return { failureClass: 'refused', code: 'context_length_exceeded' };
  if (UNSUPPORTED.test(words) && !HARDWARE.test(words)) return { failureClass: 'unsupported' };
  if (MODEL_GONE.test(words) || (status === 404 && /model/i.test(words)))
    return { code: 'model_not_found', down: true };
  if (status !== undefined && [404, 405, 410, 501].includes(status)) return { failureClass: 'unsupported' };
  if (status === undefined ? INVALID_REQUEST.test(words) : REFUSED.includes(status))
    return { failureClass: 'refused' };
  return { down: status === 502 || status === 504 };
}

const isFault = (status: number | undefined) => status === undefined || status >= 500;

/** Parses a number of seconds, or a date. */
function secondsOf(retryAfter: string | null | undefined): number | undefined {
  if (!retryAfter) return undefined;
  const seconds = Number(retryAfter);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1000);
}

/**
 * Returns the error in a body, or null when there is none. Engines use `error` as a text or an object;
 * `object`, `type` or `status` with the value "error" beside a `message`; and `detail`, which is a list in
 * FastAPI.
 */
export function errorIn(body: unknown): EngineSays | null {
  if (!isObject(body)) return null;
  const { error, errors, detail, message } = body;
  if (isObject(error)) return said(textIn(error), error);
  if (typeof error === 'string' && error !== '') return said(error, body);
  const isError =
    error === true || [body.object, body.type, body.status].some(kind => /^error$/i.test(String(kind)));
  if (isError) return said(textOf(message) ?? textOf(detail) ?? JSON.stringify(body), body);
  if (Array.isArray(error) && error.length > 0) return said(listed(error), body);
  if (Array.isArray(errors) && errors.length > 0) return said(listed(errors), body);
  if (Array.isArray(body.choices)) return null;
  const text = textOf(detail) ?? (typeof message === 'string' ? textOf(message) : undefined);
  return text === undefined ? null : said(text, body);
}

function said(message: string | undefined, from: Record<string, unknown>): EngineSays {
  const { code, type, error_type, status, http_status_code } = from;
  const named = [code, error_type, type].find(
    value => typeof value === 'string' && value !== '' && !/^(\d+|error)$/.test(value),
  ) as string | undefined;
  const number = [http_status_code, status, code].map(Number).find(value => value >= 400 && value < 600);
  return {
    message: message ?? JSON.stringify(from),
    ...(named !== undefined && { code: named }),
    ...(number !== undefined && { status: number }),
  };
}

/** Returns the text in an error object. Proxies keep their provider's text in `metadata.raw`. */
function textIn(error: Record<string, unknown>): string | undefined {
  const message = textOf(error.message) ?? textOf(error.detail) ?? textOf(error.error) ?? textOf(error.msg);
  const raw = isObject(error.metadata) ? textOf(error.metadata.raw) : undefined;
  return raw === undefined ? message : `${message ?? 'The provider failed'}: ${raw}`;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  if (Array.isArray(value) && value.length > 0) return listed(value);
  if (isObject(value)) return textIn(value) ?? JSON.stringify(value);
  return undefined;
}

/** Joins FastAPI's list of faults in a request: `[{"loc": ["body", "messages", 0], "msg": "…"}]`. */
function listed(items: readonly unknown[]): string {
  const texts = items.slice(0, 20).map(item => {
    const { loc, msg, message } = Object(item);
    const text = [msg, message, item].find(value => typeof value === 'string') ?? JSON.stringify(item);
    const path = Array.isArray(loc) ? loc.filter(part => part !== 'body').join('.') : '';
    return path === '' ? text : `${path}: ${text}`;
  });
  return texts.join('; ');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
