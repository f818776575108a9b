import { defineModule } from '../define-module.ts';
import { schedulingOptions } from '../jobs/scheduling/options.ts';
import { ledger } from '../ledger/module.ts';
import { miners } from '../miners/module.ts';
import { appealVerifications } from './appeal.ts';
import { claimVerifications } from './claim-verifications.ts';
import { storeDraw } from './draw-answers.ts';
import { verificationOptions } from './options.ts';
import { questionRuns } from './question-runs.ts';
import { returnVerifications, sweepVerifications } from './return-verifications.ts';
import { submitScores } from './submit-scores.ts';

const HOUR_MS = 3600 * 1000;
const SWEEP_EVERY_MS = 1_000;

export const verifications = defineModule({
  name: 'verifications',
  uses: [ledger, miners],
  reads: schedulingOptions,
  options: verificationOptions,
  idPrefix: 'ver',
  operations({ config, issuer }) {
    const waitMs = config.verifyWaitHours * HOUR_MS;
    return {
      storeDraw: storeDraw(issuer),
      claimVerifications: claimVerifications(config.verifyLeaseSeconds * 1000),
      submitScores: submitScores(issuer, waitMs),
      returnVerifications: returnVerifications(issuer),
      appealVerifications: appealVerifications(waitMs),
      sweepVerifications: sweepVerifications(issuer, config.verifyKeepDays * 24 * HOUR_MS),
    };
  },
  subscribes: { 'results.differ': questionRuns },
  async create({ config, store, ids, now, operations, closing, services: { ledger } }) {
    const { createVerificationService } = await import('./service.ts');
    const { createWakes } = await import('./wakes.ts');
    const wakes = createWakes(store, closing);
    return createVerificationService({ config, store, ids, now, operations, ledger, wakes });
  },
  async routes(app, { service: verifications, guards }) {
    const { verificationRoutes } = await import('./routes.ts');
    verificationRoutes(app, { verifications, guards });
  },
  tasks({ config, service, store, log, operations }) {
    store.onCommit(events => {
      for (const event of events)
        if (event.type === 'miner.accused')
          log.warn(
            { miner_id: event.minerId, passport: event.passport, verification_id: event.verificationId },
            'the answers of a miner do not fit its model: its owner is suspended',
          );
    });
    const everyMs = config.ledgerInterval * 1000;
    return [
      { name: operations.storeDraw.name, everyMs, rest: 1, step: service.draw },
      { name: operations.sweepVerifications.name, everyMs: SWEEP_EVERY_MS, rest: 1, step: service.sweep },
    ];
  },
});
