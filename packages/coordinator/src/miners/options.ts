import { integer, number, type OptionTable, type ValuesOf } from '../option.ts';

const DAY = 24 * 3600;

/** Who is online, and whose miners are suspended. */
export const minerOptions = {
  minerTimeoutSeconds: integer(90, 'A miner not heard of for so long is offline', 'SECONDS', 1, DAY),
  modelMemorySeconds: integer(
    600,
    'A model whose last miner left is away, rather than unknown, for so long',
    'SECONDS',
    0,
    30 * DAY,
  ),
  maxMinersPerOwner: integer(
    1_000,
    'Miners of an owner whose key was not made with --trusted',
    'NUMBER',
    1,
    1_000_000,
  ),
  minReputation: number(
    0.2,
    'An owner of miners whose reputation falls below gets no jobs for a while; 0: none is suspended',
    'SCORE',
    0,
    1,
  ),
  suspensionHours: number(
    24,
    'How long an owner of miners is suspended; it is on probation afterwards',
    'HOURS',
    0.01,
    100_000,
  ),
  reputationHalfLifeDays: number(
    14,
    'What a miner did so long ago counts half in its reputation',
    'DAYS',
    0.01,
    36_500,
  ),
} as const satisfies OptionTable;

export type MinerConfig = ValuesOf<typeof minerOptions>;
