import { type OptionTable, optionalText } from '../option.ts';

export const tracingOptions = {
  otlpEndpoint: optionalText(
    'Receiver of traces over OTLP/HTTP, such as http://127.0.0.1:4318; more by the OTEL_ variables',
    { unit: 'URL' },
  ),
} as const satisfies OptionTable;
