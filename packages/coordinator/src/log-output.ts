import { type BaseLogger, destination } from 'pino';
import type { ReadinessCheck } from './readiness.ts';

/** What background work writes its messages to. */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** What is kept of the log while it can't be written, in bytes. Lines that come on top are lost. */
const KEPT_BYTES = 1024 * 1024;

export interface LogOutput extends ReadinessCheck {
  stream: { write(line: string): void };
}

/** The log on standard output. Where that can't be written, as on a full disk, the coordinator goes on without. */
export function openLogOutput(): LogOutput {
  const stream = destination({ fd: 1, sync: true, maxLength: KEPT_BYTES });
  let fault: Error | undefined;
  stream.on('error', error => {
    fault = error;
  });
  stream.on('write', () => {
    fault = undefined;
  });
  // Writes what is kept, and says so by an event. Its own flushSync would wait for space, and hold up everything.
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
