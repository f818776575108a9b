import type { LookupFunction } from 'node:net';
import type * as Undici from 'undici';
import type { Agent, buildConnector } from 'undici';
import { isAddressHost, type NameResolver, ReceiverRefused } from './name-resolver.ts';
import type { AttemptOutcome } from './webhook.ts';

export interface SenderOptions {
  names: NameResolver;
  /** How long a delivery may take, from the name's resolution to the answer's status. */
  timeoutMs: number;
  /** Returns ms since the epoch. */
  now: () => number;
}

/** Posts deliveries to their receivers. */
export interface Sender {
  /** Resolves with what came of it, or with undefined where `stopped` aborted it. Never rejects. */
  post(
    url: string,
    headers: Record<string, string>,
    body: string,
    stopped: AbortSignal,
  ): Promise<AttemptOutcome | undefined>;
  close(): Promise<void>;
}

/** How much of an answer is kept. */
const KEPT_BYTES = 1_024;

/** Answers that are longer are cut off, and their connection is closed. */
const READ_BYTES = 16_384;

/** How long the rest of an answer is read after its status. */
const BODY_MS = 2_000;

export function createSender({ names, timeoutMs, now }: SenderOptions): Sender {
  let opened: Promise<{ agent: Agent; request: typeof Undici.request }> | undefined;

  /** Most coordinators have no webhooks, so the client is loaded for the first delivery. */
  async function open() {
    // A bundler that splits its output keeps only the default export of a CommonJS module.
    const { default: undici } = await import('undici');
    const { Agent, buildConnector, request } = undici;
    const agent = new Agent({
      connect: checkedConnector(names, timeoutMs, buildConnector),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxHeaderSize: 16_384,
    });
    return { agent, request };
  }

  async function exchange(url: string, headers: Record<string, string>, body: string, signal: AbortSignal) {
    opened ??= open();
    const { agent, request } = await opened;
    const answer = await request(url, { method: 'POST', dispatcher: agent, headers, body, signal });
    const response = await readStart(answer.body);
    return { statusCode: answer.statusCode, headers: answer.headers, response };
  }

  return {
    async post(url, headers, body, stopped) {
      const startedAt = now();
      const began = performance.now();
      const signal = AbortSignal.any([stopped, AbortSignal.timeout(timeoutMs)]);
      const base = () => ({ startedAt, durationMs: Math.round(performance.now() - began) });
      try {
        const { statusCode, headers: answered, response } = await exchange(url, headers, body, signal);
        const retryAfterMs = readRetryAfter(answered['retry-after'], now());
        const isRedirect = statusCode >= 300 && statusCode < 400;
        const error = isRedirect ? 'Redirects are not followed' : null;
        return { ...base(), statusCode, error, response, retryAfterMs };
      } catch (error) {
        if (stopped.aborted) return undefined;
        return { ...base(), statusCode: null, error: describe(error as Error, timeoutMs), response: null };
      }
    },
    async close() {
      await (await opened)?.agent.destroy();
    },
  };
}

/** Connects only to addresses that were checked: the name is resolved, and the address is what is connected to. */
function checkedConnector(
  names: NameResolver,
  timeout: number,
  build: typeof buildConnector,
): buildConnector.connector {
  const connectorOf = (protocol: 'http:' | 'https:') =>
    build({ timeout, lookup: checkedLookup(names, protocol) });
  const connectors = { 'http:': connectorOf('http:'), 'https:': connectorOf('https:') };
  return (options, callback) => {
    const protocol = options.protocol === 'https:' ? 'https:' : 'http:';
    const connect = () => connectors[protocol](options, callback);
    // Node looks up names only, so a host that is an address is checked here.
    if (!isAddressHost(options.hostname)) return connect();
    names.resolve(options.hostname, protocol).then(connect, error => callback(error, null));
  };
}

function checkedLookup(names: NameResolver, protocol: 'http:' | 'https:'): LookupFunction {
  return (host, options, callback) => {
    names.resolve(host, protocol).then(
      addresses => {
        if (options.all) return callback(null, addresses);
        const [first] = addresses;
        callback(null, first?.address ?? '', first?.family ?? 4);
      },
      error => callback(error, ''),
    );
  };
}

/** Reads the first kilobyte. The status counts as the answer, so a body that is slow or broken is no error. */
async function readStart(
  body: AsyncIterable<Buffer> & { destroy(): void; on(name: 'error', f: () => void): unknown },
) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => body.destroy(), BODY_MS);
  body.on('error', () => {});
  try {
    for await (const chunk of body) {
      if (bytes < KEPT_BYTES) chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > READ_BYTES) break;
    }
  } catch {
    // What came until then is kept.
  } finally {
    clearTimeout(timer);
  }
  const text = Buffer.concat(chunks).subarray(0, KEPT_BYTES).toString('utf8');
  // PostgreSQL stores no zero character, and a cut character is not one.
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

/** Reads seconds or an HTTP date. Returns undefined for anything else. */
function readRetryAfter(header: string | string[] | undefined, now: number): number | undefined {
  const text = String(header ?? '').trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const time = text === '' ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}

const ERROR_LENGTH = 256;

function describe(error: Error, timeoutMs: number): string {
  if (error instanceof ReceiverRefused) return `Not sent: ${error.message}`;
  if (error.name === 'TimeoutError' || /Timeout/.test(error.name))
    return `No answer within ${timeoutMs / 1000} s`;
  const { code } = error as NodeJS.ErrnoException;
  return `${code === undefined ? '' : `${code}: `}${error.message}`.slice(0, ERROR_LENGTH);
}
