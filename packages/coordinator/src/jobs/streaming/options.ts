import { integerOption, numberOption, type OptionTable, text } from '../../option.ts';

const MiB = 1024 * 1024;
const DAY = 24 * 3600;

export const streamOptions = {
  chunkLimit: integerOption(16 * 1024, 'The longest chunk of text in a stream', 'BYTES', 4096, MiB),
  streamLimit: integerOption(MiB, 'The longest text of one stream', 'BYTES', 1024, 64 * MiB),
  streamChunks: integerOption(250_000, 'The most chunks of text in one stream', 'NUMBER', 1, 1_000_000),
  streamKeepSeconds: integerOption(
    300,
    'How long after the end of a job its streamed text is erased; the result stays',
    'SECONDS',
    0,
    30 * DAY,
  ),
  streamDurability: text(
    'sync',
    'When streamed text is acknowledged and told: once it is on disk (sync), or when it is written (batch)',
    { unit: 'WHEN', choices: ['sync', 'batch'] },
  ),
  streamHeartbeatSeconds: numberOption(
    15,
    'How often an idle stream of events sends a comment',
    'SECONDS',
    0.05,
    3600,
  ),
  maxStreams: integerOption(
    10_000,
    'The most streams of events at once, of all clients',
    'NUMBER',
    1,
    1_000_000,
  ),
  maxStreamsPerAccount: integerOption(
    1000,
    'The most streams of events at once, of one account',
    'NUMBER',
    1,
    1_000_000,
  ),
} as const satisfies OptionTable;
