import { type Static, Type } from 'typebox';
import { Nullable, Timestamp } from './common.ts';

/** What can be wrong with a coordinator and its miners, and what it means. */
export const PROBLEM_KINDS = {
  NO_MINER: 'Jobs wait for a model that no live miner offers.',
  OLD_JOBS: 'A job has been waiting for long.',
  MINER_FAILING: 'A miner has failed often in the last ten minutes.',
  MINER_SUSPENDED: 'A miner gets no jobs because of its reputation, or since it was suspended.',
  NO_VERIFIER: 'Answers wait for a verifier, and none with their weights was seen lately.',
  LEDGER_FORK: 'The ledger contradicts what was signed, so nothing is published.',
  LEDGER_BEHIND: 'Entries wait for their publication.',
  DISK_LOW: 'The disk of the data folder is almost full.',
  WEBHOOK_DISABLED: 'A webhook gets no more deliveries.',
  COMPONENT_FAILING: 'A part of the coordinator does not work.',
  COMPONENT_WARNING: 'A part of the coordinator works, but not as it should.',
} as const;
export type ProblemKind = keyof typeof PROBLEM_KINDS;

/** Something that an operator should look at. */
export const OperatorProblem = Type.Object(
  {
    kind: Type.Enum(Object.keys(PROBLEM_KINDS) as ProblemKind[], { type: 'string' }),
    severity: Type.Enum(['alarm', 'warning'], { type: 'string' }),
    subject: Nullable(
      Type.String({ description: 'What it is about: a model, or the id of a miner or webhook.' }),
    ),
    since: Nullable(Timestamp),
    detail: Type.String({ description: 'What is wrong, as a sentence.' }),
    advice: Type.String({ description: 'What to do about it.' }),
  },
  { $id: 'OperatorProblem' },
);
export type OperatorProblem = Static<typeof OperatorProblem>;

/** An option of a coordinator as it runs. */
export const ConfiguredOption = Type.Object(
  {
    name: Type.String({ examples: ['leaseSeconds'] }),
    flag: Type.String({ examples: ['--lease-seconds'] }),
    variable: Type.String({ examples: ['AITBC_LEASE_SECONDS'] }),
    about: Type.String(),
    unit: Nullable(Type.String()),
    value: Type.Unknown({ description: 'As JSON; null when there is none. Secrets are replaced by `***`.' }),
    is_default: Type.Boolean(),
  },
  { $id: 'ConfiguredOption' },
);
export type ConfiguredOption = Static<typeof ConfiguredOption>;
