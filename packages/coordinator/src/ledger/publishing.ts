import type { Log } from '../log-output.ts';
import type { Task } from '../module.ts';
import type { Ledger } from './ledger.ts';
import type { WitnessReport } from './witnesses.ts';

/** Brings the tree up to the entries and publishes it, at intervals. */
export function publishing(ledger: Ledger, intervalMs: number, log: Log): Task {
  ledger.onWitness(report => logWitness(log, report));
  const conflicts = watchConflicts(log);
  return {
    name: 'ledger',
    everyMs: intervalMs,
    rest: 1,
    async step() {
      const more = await ledger.integrate();
      await ledger.publish(intervalMs);
      conflicts.tell(ledger.conflict());
      return more;
    },
  };
}

const WITNESS_LOG = {
  cosigned: ['info', 'the witness cosigns the ledger'],
  failed: ['warn', 'the witness can not be asked, and is left alone for a while'],
  ahead: [
    'warn',
    'the witness has cosigned more of the ledger: another coordinator was faster, or this one was set back',
  ],
  refused: ['error', 'the witness REFUSES to cosign the ledger'],
} as const;

function logWitness(log: Log, { outcome, ...report }: WitnessReport): void {
  const [level, text] = WITNESS_LOG[outcome];
  log[level](report, text);
}

/** Says once that publication has stopped, and why, and once that it goes on. */
function watchConflicts(log: Log) {
  let told: string | undefined;
  return {
    tell(conflict: Error | undefined) {
      if (conflict && conflict.message !== told)
        log.error(`The ledger is not published: ${conflict.message}`);
      if (!conflict && told !== undefined) log.info('the ledger is published again');
      told = conflict?.message;
    },
  };
}
