import { defineModule } from '../../define-module.ts';
import { addSpotChecks } from './add-spot-checks.ts';
import { followRuns } from './follow-runs.ts';

export const replication = defineModule({
  name: 'replication',
  subscribes: {
    async 'job.changed'(changes, context) {
      await followRuns(changes, context);
      await addSpotChecks(changes, context);
    },
  },
});
