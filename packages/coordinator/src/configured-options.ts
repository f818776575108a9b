import type { ConfiguredOption } from '@aitbc/protocol';
import { type Config, flagOf, OPTIONS, variableOf } from './config.ts';
import type { Option } from './option.ts';

/** Returns the options with their values, as administrators may see them. */
export const configuredOptions = (config: Config): ConfiguredOption[] =>
  (Object.entries(OPTIONS) as [keyof Config & string, Option][]).map(([name, option]) => ({
    ...{ name, flag: flagOf(name), variable: variableOf(name) },
    about: option.about,
    unit: option.unit ?? null,
    value: shown(option, config[name]),
    is_default: JSON.stringify(config[name]) === JSON.stringify(option.default),
  }));

const shown = ({ withoutSecrets }: Option, value: unknown) =>
  value === undefined ? null : withoutSecrets ? withoutSecrets(value) : value;
