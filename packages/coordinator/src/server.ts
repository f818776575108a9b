import { defineModule } from './define-module.ts';
import { keepIdentity } from './identity.ts';
import { serverOptions } from './server-options.ts';
import { storeOptions } from './store/options.ts';
import { probeStore } from './store/write-health.ts';

/** The options, operations and checks of the server and the store themselves. */
export const server = defineModule({
  name: 'server',
  options: { ...serverOptions, ...storeOptions },
  operations: () => ({ keepIdentity, probeStore }),
  create({ store, readiness }) {
    readiness.add({
      component: 'store',
      async check() {
        await store.ping();
        return undefined;
      },
    });
    return undefined;
  },
});
