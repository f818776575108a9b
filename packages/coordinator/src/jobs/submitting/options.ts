import { LIMITS } from '@aitbc/protocol/limits';
import { integer, number, type OptionTable, type ValuesOf } from '../../option.ts';

const MiB = 1024 * 1024;
const DAY = 24 * 3600;

/** What a job may ask for. */
export const submissionOptions = {
  promptLimit: integer(256 * 1024, 'Longest prompt', 'BYTES', 1, 1024 * MiB),
  mediaLimit: integer(
    20 * MiB,
    'Images of one request, or its texts to embed: beside the prompt',
    'BYTES',
    1024,
    256 * MiB,
  ),
  batchBodyLimit: integer(16 * MiB, 'Largest body of a batch of jobs', 'BYTES', 1024, 1024 * MiB),
  ttlSeconds: integer(DAY, 'Time to live of a job that names none', 'SECONDS', 1, LIMITS.ttlSeconds.max),
  maxAttempts: integer(3, 'Attempts of a job that names no number', 'NUMBER', 1, LIMITS.attempts.max),
  maxPriority: integer(
    LIMITS.priority.max,
    'Highest priority that anybody but an administrator may ask for; keys are made with limits of their own',
    'NUMBER',
    LIMITS.priority.min,
    LIMITS.priority.max,
  ),
  minRunSeconds: number(1, 'A price limit that pays for less time is refused', 'SECONDS', 0, 86_400),
  tokenLimit: integer(
    32_768,
    'Tokens of an answer that can be charged for where the job names no max_tokens',
    'NUMBER',
    1,
    1e9,
  ),
} as const satisfies OptionTable;

export type SubmissionConfig = ValuesOf<typeof submissionOptions>;
