import type { TraceContext } from './trace-context.ts';

/** Values of a span. They must never contain a prompt, a result, a key or a secret. */
export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export type SpanKindName = 'server' | 'client' | 'internal';

export interface SpanStart {
  name: string;
  kind: SpanKindName;
  attributes?: Attributes;
  /** The span begins a trace where it is undefined. */
  parent: TraceContext | undefined;
}

export interface SpanEnd {
  attributes?: Attributes;
  /** What failed, as a code. Absent where nothing did. */
  error?: string | undefined;
}

/** A span that began and ended before it was told of. Times are ms since the epoch. */
export interface SpanRecord extends SpanStart, SpanEnd {
  parent: TraceContext;
  spanId: string;
  startMs: number;
  endMs: number;
}

export interface OpenSpan {
  /** What to hand on, so that other spans become children of this one. */
  readonly context: TraceContext;
  end(end?: SpanEnd): void;
}

/** Exports spans in the background. No call waits, and none throws when the receiver is away. */
export interface Tracing {
  start(span: SpanStart): OpenSpan;
  record(span: SpanRecord): void;
  /** Sends what is left, for two seconds at most. */
  close(): Promise<void>;
}

export interface TracingOptions {
  /** The name of this program in traces, unless `OTEL_SERVICE_NAME` gives another. */
  service: string;
  version: string;
  /** The base URL of the receiver. Without it, OpenTelemetry's own variables say whether there is one, and where. */
  endpoint?: string | undefined;
  /** Told of each export that failed. Its spans are lost. */
  onFault(error: Error): void;
}
