import type { WitnessEvent, WitnessEventHandler } from '@aitbc/witness';
import type { Io } from './io.ts';
import { print } from './output.ts';

/** Errors that strangers and slow logs cause. They do not concern the witness's operator. */
const EVERYDAY = ['MALFORMED', 'UNKNOWN_LOG', 'UNSIGNED', 'OLD_TOO_LARGE', 'STALE'];

export interface WitnessLogOptions {
  json: boolean;
  /** Whether to print every request. Otherwise only each log's first checkpoint and problems are printed. */
  verbose: boolean;
}

/** Prints a witness's events as lines for people, or as JSON lines for programs. */
export function witnessLog(io: Io, { json, verbose }: WitnessLogOptions): WitnessEventHandler {
  const seen = new Set<string>();
  return event => {
    if (!verbose && isEveryday(event, seen)) return;
    const time = new Date();
    if (json) io.stdout.write(`${JSON.stringify({ time: time.toISOString(), ...event })}\n`);
    else print(io, `${time.toLocaleTimeString('en-GB')}  ${lineOf(event)}`);
  };
}

function isEveryday(event: WitnessEvent, seen: Set<string>): boolean {
  if (event.event === 'refused') return EVERYDAY.includes(event.code);
  if (event.event !== 'cosigned') return false;
  const isKnown = seen.has(event.origin);
  seen.add(event.origin);
  return isKnown;
}

function lineOf(event: WitnessEvent): string {
  switch (event.event) {
    case 'cosigned':
      return `${event.origin} cosigned, from size ${event.old} to ${event.size}`;
    case 'refused':
      return `${event.origin ?? 'A request'} REFUSED, ${event.code}: ${event.detail}${evidenceOf(event)}`;
    case 'failed':
      return `A request failed, and nothing was cosigned: ${event.detail}`;
    case 'log_unreachable':
      return `${event.detail}. The witness goes on with that log's known keys`;
  }
}

const evidenceOf = ({ evidence }: { evidence?: string }) =>
  evidence === undefined ? '' : `. Both checkpoints, signed by the log, are in ${evidence}: publish them`;
