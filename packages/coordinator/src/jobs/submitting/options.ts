import { LIMITS } from '@aitbc/protocol/limits';
import { integerOption, numberOption, type OptionTable, text, type ValuesOf } from '../../option.ts';
import { aliasesOption } from './model-aliases.ts';

const MiB = 1024 * 1024;
const DAY = 24 * 3600;

export const submissionOptions = {
  promptLimit: integerOption(256 * 1024, 'The longest prompt', 'BYTES', 1, 1024 * MiB),
  mediaLimit: integerOption(
    20 * MiB,
    'The most images, or texts to embed, of one request, besides the prompt',
    'BYTES',
    1024,
    256 * MiB,
  ),
  batchBodyLimit: integerOption(16 * MiB, 'The largest body of a batch of jobs', 'BYTES', 1024, 1024 * MiB),
  ttlSeconds: integerOption(DAY, 'The default time to live of a job', 'SECONDS', 1, LIMITS.ttlSeconds.max),
  maxAttempts: integerOption(3, 'The default number of attempts of a job', 'NUMBER', 1, LIMITS.attempts.max),
  maxPriority: integerOption(
    LIMITS.priority.max,
    'The highest priority for all but administrators; each key has its own limit too',
    'NUMBER',
    LIMITS.priority.min,
    LIMITS.priority.max,
  ),
  minRunSeconds: numberOption(1, 'The least time that a price limit must pay for', 'SECONDS', 0, 86_400),
  tokenLimit: integerOption(
    32_768,
    'The most billed tokens of an answer without max_tokens',
    'NUMBER',
    1,
    1e9,
  ),
  fallbackSeconds: numberOption(
    10,
    'How long a job with several models waits for one before it goes on to the next',
    'SECONDS',
    0.1,
    86_400,
  ),
  preferMinerSeconds: numberOption(
    5,
    'How long a new job is kept for a miner that goes first, if one is free or soon will be; 0 keeps none',
    'SECONDS',
    0,
    60,
  ),
  ownMinersFirst: text('on', 'Whether jobs go to miners of the account that submits them first', {
    choices: ['on', 'off'],
  }),
  modelAliases: aliasesOption('Other names of models: gpt-4o=llama3.2,…; can be repeated'),
} as const satisfies OptionTable;

export type SubmissionConfig = ValuesOf<typeof submissionOptions>;
