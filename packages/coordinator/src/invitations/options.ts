import { integerOption, type OptionTable } from '../option.ts';

export const invitationOptions = {
  joinsPerMinute: integerOption(
    20,
    'How many requests to join by an invitation a network may make per minute',
    'NUMBER',
    1,
    1_000_000,
  ),
} as const satisfies OptionTable;
