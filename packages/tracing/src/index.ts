export { openTracing } from './open-tracing.ts';
export { formatTraceparent, isSampled, parseTraceparent, type TraceContext } from './trace-context.ts';
export type {
  Attributes,
  OpenSpan,
  SpanEnd,
  SpanKindName,
  SpanRecord,
  SpanStart,
  Tracing,
} from './tracing.ts';
