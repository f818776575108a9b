import {
  ConfigError,
  integerOption,
  numberOption,
  type OptionTable,
  optionalText,
  type ValuesOf,
} from '../option.ts';
import { parseNetworks } from './addresses.ts';

/** Reads a list of networks. A single text, as in the environment, separates them by spaces or commas. */
function readNetworks(source: string, value: unknown): readonly string[] {
  const texts = typeof value === 'string' ? value.trim().split(/[\s,]+/) : value;
  if (!Array.isArray(texts) || !texts.every(text => typeof text === 'string'))
    throw new ConfigError(`${source} must be networks such as 10.0.0.0/8, not ${JSON.stringify(value)}`);
  try {
    parseNetworks(texts);
  } catch (error) {
    throw new ConfigError(`${source} ${(error as Error).message}`);
  }
  return texts;
}

export const webhookOptions = {
  webhookAllow: {
    kind: 'networks',
    default: [] as readonly string[],
    about:
      'Network whose addresses webhooks may reach although it is not public, by plain http too; repeat it',
    unit: 'CIDR',
    read: readNetworks,
  },
  webhookDns: optionalText(
    'DNS server that is asked for the receivers’ addresses; the system’s unless given',
    {
      unit: 'IP[:PORT]',
    },
  ),
  webhookTimeoutSeconds: numberOption(15, 'How long a delivery may take', 'SECONDS', 0.1, 60),
  webhookConcurrency: integerOption(256, 'How many deliveries a process makes at once', 'NUMBER', 1, 10_000),
  webhookConcurrencyPerReceiver: integerOption(
    16,
    'How many deliveries are made to one webhook at once',
    'NUMBER',
    1,
    1_000,
  ),
  webhooksPerAccount: integerOption(20, 'How many webhooks an account may have', 'NUMBER', 0, 1_000),
  webhookKeepDays: integerOption(7, 'How long deliveries and the log of them are kept', 'DAYS', 2, 365),
} as const satisfies OptionTable;

export type WebhookConfig = ValuesOf<typeof webhookOptions>;
