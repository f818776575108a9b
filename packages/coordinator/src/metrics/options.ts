import { type OptionTable, optionalText, type ValuesOf } from '../option.ts';

export const metricsOptions = {
  metricsListen: optionalText(
    'Serve /metrics without a key on this address of its own, such as 127.0.0.1:9464; a port alone is on 127.0.0.1',
    { unit: 'HOST:PORT' },
  ),
} as const satisfies OptionTable;

export type MetricsConfig = ValuesOf<typeof metricsOptions>;
