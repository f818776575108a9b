import type { Task } from '../define-module.ts';
import type { Log } from '../log-output.ts';
import type { PublicLedger } from './ledger.ts';
import type { WitnessReport } from './witnesses.ts';

/** The background task that adds new entries to the tree and publishes it at intervals. */
export function createPublishingTask(ledger: PublicLedger, intervalMs: number, log: Log): Task {
  ledger.onWitness(report => logWitness(log, report));
  const conflicts = watchConflicts(log);
  return {
    name: 'ledger',
    everyMs: intervalMs,
    rest: 1,
    async step() {
      const more = await ledger.integrate();
      await ledger.publish(intervalMs);
      conflicts.update(ledger.conflict());
      return more;
    },
  };
}

const WITNESS_LOG = {
  cosigned: ['info', 'the witness cosigns the ledger'],
  failed: ['warn', 'the witness does not answer as it should; trying again after a pause'],
  ahead: [
    'warn',
    'the witness has cosigned a larger ledger: another coordinator was faster, or this store is an old one',
  ],
  refused: ['error', 'the witness REFUSES to cosign the ledger'],
} as const;

function logWitness(log: Log, { outcome, ...report }: WitnessReport): void {
  const [level, text] = WITNESS_LOG[outcome];
  log[level](report, text);
}

/** Logs once that publication has stopped and why, and once that it continues. */
function watchConflicts(log: Log) {
  let lastMessage: string | undefined;
  return {
    update(conflict: Error | undefined) {
      if (conflict && conflict.message !== lastMessage)
        log.error(`The ledger is not published: ${conflict.message}`);
      if (!conflict && lastMessage !== undefined) log.info('the ledger is published again');
      lastMessage = conflict?.message;
    },
  };
}
