import { parseArgs } from 'node:util';
import { openStore, readConfig } from '../../src/index.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import type { Store } from '../../src/store/store.ts';
import { appendNumbered } from '../harness/ledger.ts';

/*
 * Takes entries into a ledger and publishes them, and kills itself on the way: before or after one of its writes, as a
 * power cut would. What was signed by then is in the file of the last checkpoint; what was published is in the store.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    'database-url': { type: 'string' },
    /** `before ledger.publish`, `after ledger.integrate`: never unless given. */
    kill: { type: 'string', default: '' },
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '1' },
  },
});

function killing(store: Store): Store {
  const killAt = (moment: string) => {
    if (values.kill === moment) process.kill(process.pid, 'SIGKILL');
  };
  return {
    ...store,
    async write(operation, input) {
      killAt(`before ${operation.name}`);
      const outcome = await store.write(operation, input);
      killAt(`after ${operation.name}`);
      return outcome;
    },
  };
}

const given = { data: values.data, databaseUrl: values['database-url'] };
const config = readConfig({ given });
const opened = await openStore(config, Date.now);
const store = killing(opened);
const ledger = await createLedger({ config, store, coordinatorId: 'steps', now: Date.now });
await store.write(appendNumbered, { from: Number(values.from), count: Number(values.count) });
while (await ledger.integrate());
await ledger.publish(0);
process.stdout.write(JSON.stringify(await ledger.latest()));
await opened.close();
