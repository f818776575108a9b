import { access, constants } from 'node:fs/promises';
import { defineModule } from '../define-module.ts';
import { ledger } from '../ledger/module.ts';
import { receiptOptions } from './options.ts';
import { admitKey, createReceiptService } from './receipts.ts';
import { signingKeyPath } from './signing-key.ts';

export const receipts = defineModule({
  name: 'receipts',
  uses: [ledger],
  options: receiptOptions,
  idPrefix: 'rcpt',
  operations: () => ({ admitKey }),
  create({ config, store, issuer: { coordinatorId }, readiness, services: { ledger } }) {
    readiness.add({ component: 'signing_key', check: () => keyFileError(signingKeyPath(config)) });
    return createReceiptService(store, coordinatorId, ledger);
  },
  async routes(app, { service: receipts, guards }) {
    const { receiptRoutes } = await import('./routes.ts');
    receiptRoutes(app, { receipts, guards });
  },
});

/**
 * Returns an error text if the key file is unreadable. The running coordinator has the key in memory and would only
 * notice at its next start.
 */
async function keyFileError(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return `--signing-key ${path} can't be read: ${(error as Error).message}. Restore the file before you restart the coordinator`;
  }
}
