import { Counter, Gauge, Registry } from 'prom-client';
import { METRICS, type MetricDescription, type MetricName } from './catalogue.ts';
import { createHistogram, type Histogram } from './histogram.ts';

type Instrument<Description extends MetricDescription> = {
  counter: Counter;
  gauge: Gauge;
  histogram: Histogram;
}[Description['kind']];

/** The metrics of the catalogue as instruments that count and measure. */
export type Instruments = { readonly [Name in MetricName]: Instrument<(typeof METRICS)[Name]> };

export function createInstruments(): { registry: Registry; instruments: Instruments } {
  const registry = new Registry();
  const instruments = Object.fromEntries(
    Object.entries(METRICS).map(([name, description]) => [name, createInstrument(description, registry)]),
  );
  return { registry, instruments: instruments as unknown as Instruments };
}

function createInstrument(
  { kind, name, help, labels, buckets = [] }: MetricDescription,
  registry: Registry,
): Counter | Gauge | Histogram {
  if (kind === 'histogram') return createHistogram({ name, help, labels, buckets }, registry);
  const common = { name, help, labelNames: [...labels], registers: [registry] };
  return kind === 'counter' ? new Counter(common) : new Gauge(common);
}
