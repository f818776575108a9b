import {
  type Attributes as ApiAttributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { protocolIn } from './configuration.ts';
import type { TraceContext } from './trace-context.ts';
import type { OpenSpan, SpanEnd, SpanKindName, SpanStart, Tracing, TracingOptions } from './tracing.ts';

/** How long a stop waits for a receiver that does not answer. */
const CLOSE_MS = 2_000;

/** Exports traces over OTLP/HTTP by OpenTelemetry's packages. */
export async function exportTraces(options: TracingOptions): Promise<Tracing> {
  const ids = createIds();
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': options.service, 'service.version': options.version }))
      .merge(detectResources({ detectors: [envDetector] })),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor(reportingFaults(await openExporter(options), options.onFault))],
  });
  const tracer = provider.getTracer('aitbc', options.version);
  const open = ({ name, kind, attributes, parent }: SpanStart, startTime?: number): Span =>
    tracer.startSpan(
      name,
      {
        kind: KINDS[kind],
        attributes: { ...attributes } as ApiAttributes,
        ...(startTime !== undefined && { startTime }),
      },
      contextOf(parent),
    );
  return {
    start(start) {
      const span = open(start);
      return toOpenSpan(span);
    },
    record({ spanId, startMs, endMs, error, ...span }) {
      const recorded = ids.using(spanId, () => open(span, startMs));
      end(recorded, { error }, Math.max(startMs, endMs));
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>(resolve => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      await Promise.race([provider.shutdown().catch(options.onFault), late]);
      clearTimeout(timer);
    },
  };
}

const KINDS: Record<SpanKindName, SpanKind> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
};

function toOpenSpan(span: Span): OpenSpan {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    context: { traceId, spanId, flags: traceFlags },
    end: (how = {}) => end(span, how),
  };
}

function end(span: Span, { attributes, error }: SpanEnd, endMs?: number): void {
  if (attributes) span.setAttributes({ ...attributes } as ApiAttributes);
  if (error !== undefined) {
    span.setAttribute('error.type', error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error });
  }
  span.end(endMs);
}

function contextOf(parent: TraceContext | undefined): Context {
  if (!parent) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

/** Random ids, but for spans whose ids follow from what they describe. */
function createIds(): IdGenerator & { using<T>(spanId: string, work: () => T): T } {
  const random = new RandomIdGenerator();
  let given: string | undefined;
  return {
    generateTraceId: () => random.generateTraceId(),
    generateSpanId: () => given ?? random.generateSpanId(),
    using(spanId, work) {
      given = spanId;
      try {
        return work();
      } finally {
        given = undefined;
      }
    },
  };
}

async function openExporter({ endpoint }: TracingOptions): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocolIn(process.env) === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter(
    endpoint === undefined ? {} : { url: `${endpoint.replace(/\/+$/, '')}/v1/traces` },
  );
}

function reportingFaults(exporter: SpanExporter, onFault: (error: Error) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, result => {
        if (result.error) onFault(result.error);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => await exporter.forceFlush?.(),
  };
}
