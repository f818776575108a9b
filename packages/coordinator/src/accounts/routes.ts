import { Account, Address } from '@aitbc/protocol';
import { Type } from 'typebox';
import { type Guards, principalOf } from '../http/authentication.ts';
import { type App, answers, keyed } from '../http/routes.ts';
import type { Store } from '../store/store.ts';
import { requireExistingAddress } from './accounts.ts';
import { readAccount } from './read-account.ts';

export interface AccountRoutes {
  store: Store;
  guards: Guards;
  billing: Account['billing'];
}

const tags = ['accounts'];

export function accountRoutes(app: App, { store, guards, billing }: AccountRoutes): void {
  app.get(
    '/v1/account',
    {
      onRequest: guards.account,
      schema: {
        operationId: 'getAccount',
        summary: 'Get your account’s balance',
        security: keyed,
        tags,
        response: answers({ 200: Account }, 401),
      },
    },
    async request => await readAccount(store, principalOf(request).address, billing),
  );

  app.get(
    '/v1/accounts/:address',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'getAccountAt',
        summary: 'Get the balance of any account, for administrators',
        security: keyed,
        tags,
        params: Type.Object({ address: Address('`ait1…`') }),
        response: answers({ 200: Account }, 400, 401, 403, 404),
      },
    },
    async ({ params: { address } }) => {
      requireExistingAddress(address);
      return await readAccount(store, address, billing);
    },
  );
}
