import { type BaseLogger, destination, stdSerializers } from 'pino';
import type { ReadinessCheck } from './readiness.ts';
import type { ServerConfig } from './server-options.ts';

/** The log for background work. */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** How many bytes of the log are kept in memory while it can't be written. Further lines are lost. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export type LogStream = { write(line: string): void };

/** Prints log lines as text for people. */
export interface ReadableLog {
  open(): Promise<LogStream>;
  /** Whether somebody reads it on a terminal. */
  isTerminal: boolean;
}

export interface LogOutput extends ReadinessCheck {
  stream: LogStream;
}

export interface LoggerOptions {
  level: string;
  stream: LogStream;
  serializers: { err: typeof errorForLog; busboyOptions: typeof withoutHeaders };
}

/** Opens the log that the configuration asks for. `output` is there where it goes to the standard output as JSON. */
export async function openLogger(
  { logLevel: level, logFormat }: Pick<ServerConfig, 'logLevel' | 'logFormat'>,
  { logStream, readableLog }: { logStream: LogStream | undefined; readableLog: ReadableLog | undefined },
): Promise<{ output: LogOutput | undefined; logger: false | LoggerOptions }> {
  if (level === 'silent') return { output: undefined, logger: false };
  const serializers = { err: errorForLog, busboyOptions: withoutHeaders };
  const isReadable = logFormat === 'pretty' || (logFormat === 'auto' && readableLog?.isTerminal);
  const stream = logStream ?? (isReadable ? await readableLog?.open() : undefined);
  if (stream) return { output: undefined, logger: { level, stream, serializers } };
  const output = openLogOutput();
  return { output, logger: { level, stream: output.stream, serializers } };
}

/** What the log shows of an error. Other properties may have values of rows, as PostgreSQL's `detail` and `where` have. */
function errorForLog(error: Error) {
  const { type, message, stack } = stdSerializers.err(error);
  const { code } = error as NodeJS.ErrnoException;
  return { type, message, stack, ...(code !== undefined && { code }) };
}

/** The library that reads forms logs its options at the level trace. They have the headers, and so the caller's key. */
const withoutHeaders = ({ headers: _, ...options }: { headers?: unknown }): object => options;

/** Opens the log on standard output. While it can't be written, as on a full disk, the coordinator keeps running. */
function openLogOutput(): LogOutput {
  const stream = destination({ fd: 1, sync: true, maxLength: MAX_BUFFERED_BYTES });
  let fault: Error | undefined;
  stream.on('error', error => {
    fault = error;
  });
  stream.on('write', () => {
    fault = undefined;
  });
  // Writes the kept lines and emits an event. The stream's own flushSync would block the process until there is space.
  const tryAgain = () => void stream.write('');
  stream.on('drop', tryAgain);
  return {
    stream,
    component: 'log',
    check() {
      if (fault) tryAgain();
      return fault && `The log can't be written: ${fault.message}`;
    },
  };
}
