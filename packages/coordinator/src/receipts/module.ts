import { access, constants } from 'node:fs/promises';
import { ledger } from '../ledger/module.ts';
import { defineModule } from '../module.ts';
import { receiptOptions } from './options.ts';
import { admitKey, createReceipts } from './receipts.ts';
import { signingKeyPath } from './signing-key.ts';

export const receipts = defineModule({
  name: 'receipts',
  uses: [ledger],
  options: receiptOptions,
  idPrefix: 'rcpt',
  operations: () => ({ admitKey }),
  create({ config, store, issuer: { coordinatorId }, readiness, services: { ledger } }) {
    readiness.add({ component: 'signing_key', check: () => unreadable(signingKeyPath(config)) });
    return createReceipts(store, coordinatorId, ledger);
  },
  async routes(app, { service: receipts, guards }) {
    const { receiptRoutes } = await import('./routes.ts');
    receiptRoutes(app, { receipts, guards });
  },
});

/** A key that is gone is missed at the next start only, when nobody has it any more. */
async function unreadable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return `--signing-key ${path} can't be read: ${(error as Error).message}. Bring it back before the coordinator is started again`;
  }
}
