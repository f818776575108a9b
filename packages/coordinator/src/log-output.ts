import { type BaseLogger, destination } from 'pino';
import type { ReadinessCheck } from './readiness.ts';

/** The log for background work. */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** How many bytes of the log are kept in memory while it can't be written. Further lines are lost. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export interface LogOutput extends ReadinessCheck {
  stream: { write(line: string): void };
}

/** Opens the log on standard output. While it can't be written, as on a full disk, the coordinator keeps running. */
export function openLogOutput(): LogOutput {
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
