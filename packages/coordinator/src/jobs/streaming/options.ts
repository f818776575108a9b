import { integer, number, type OptionTable, type ValuesOf } from '../../option.ts';

const MiB = 1024 * 1024;
const DAY = 24 * 3600;

/** Streams of text, and who follows them. */
export const streamOptions = {
  chunkLimit: integer(16 * 1024, 'Longest piece of text in a stream', 'BYTES', 4096, MiB),
  streamLimit: integer(MiB, 'Longest text of one stream', 'BYTES', 1024, 64 * MiB),
  streamChunks: integer(50_000, 'Pieces of text in one stream', 'NUMBER', 1, 1_000_000),
  streamKeepSeconds: integer(
    300,
    'Streamed text is erased so long after the end of its job, whose result stays',
    'SECONDS',
    0,
    30 * DAY,
  ),
  streamHeartbeatSeconds: number(
    15,
    'A stream of events in which nothing happens says so after so long',
    'SECONDS',
    0.05,
    3600,
  ),
  maxStreams: integer(10_000, 'Streams of events at once, all clients together', 'NUMBER', 1, 1_000_000),
  maxStreamsPerAccount: integer(1000, 'Streams of events at once, of one account', 'NUMBER', 1, 1_000_000),
} as const satisfies OptionTable;

export type StreamConfig = ValuesOf<typeof streamOptions>;
