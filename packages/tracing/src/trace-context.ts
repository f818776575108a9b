/** A span's place in its trace, as W3C Trace Context describes it. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The last bit says whether the trace is recorded. */
  readonly flags: number;
}

const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a `traceparent` header. Returns undefined where it is missing or invalid: the specification wants such headers
 * to be ignored. Later versions of the format may have more parts, which are dropped.
 */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  const [, version, traceId, spanId, flags, rest] =
    (typeof text === 'string' && TRACEPARENT.exec(text)) || [];
  if (!traceId || !spanId || !flags || (version === '00' && rest !== undefined)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** Writes a `traceparent` header, of 55 characters. */
export const formatTraceparent = ({ traceId, spanId, flags }: TraceContext): string =>
  `00-${traceId}-${spanId}-${(flags & SAMPLED) === 0 ? '00' : '01'}`;

export const isSampled = ({ flags }: TraceContext): boolean => (flags & SAMPLED) !== 0;

const SAMPLED = 1;
