type Environment = Readonly<Record<string, string | undefined>>;

/** Whether OpenTelemetry's standard variables ask for an export of traces. */
export function isTracingConfigured(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return false;
  const exporters = (env.OTEL_TRACES_EXPORTER ?? '').split(',').map(name => name.trim());
  if (exporters.includes('none')) return false;
  return (
    exporters.includes('otlp') ||
    Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
  );
}

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/**
 * Returns the configured format of exports.
 *
 * @throws where it is none that is sent by HTTP
 */
export function protocolIn(env: Environment): (typeof PROTOCOLS)[number] {
  const name = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || PROTOCOLS[0];
  const protocol = PROTOCOLS.find(each => each === name);
  if (protocol) return protocol;
  throw new Error(`OTEL_EXPORTER_OTLP_PROTOCOL must be ${PROTOCOLS.join(' or ')}, not ${name}`);
}
