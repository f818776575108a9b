import { isTracingConfigured } from './configuration.ts';
import type { Tracing, TracingOptions } from './tracing.ts';

/**
 * Opens an export of traces over OTLP/HTTP, or returns undefined where none is configured: OpenTelemetry's packages are
 * only loaded for it. They read their standard variables from the process's environment: receiver, headers, sampler,
 * batches, resource.
 *
 * @throws where `OTEL_EXPORTER_OTLP_PROTOCOL` names a protocol that is not supported
 */
export async function openTracing(options: TracingOptions): Promise<Tracing | undefined> {
  if (options.endpoint === undefined && !isTracingConfigured(process.env)) return undefined;
  const { exportTraces } = await import('./otlp.ts');
  return await exportTraces(options);
}
