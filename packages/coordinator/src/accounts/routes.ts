import { Account } from '@aitbc/protocol';
import { type Guards, principalOf } from '../http/authentication.ts';
import { type App, answers, keyed } from '../http/routes.ts';
import type { Store } from '../store/store.ts';
import { readAccount } from './balance.ts';

export interface AccountRoutes {
  store: Store;
  guards: Guards;
  billing: Account['billing'];
}

export function accountRoutes(app: App, { store, guards, billing }: AccountRoutes): void {
  app.get(
    '/v1/account',
    {
      onRequest: guards.account,
      schema: {
        operationId: 'getAccount',
        summary: 'What your account has',
        security: keyed,
        tags: ['accounts'],
        response: answers({ 200: Account }, 401),
      },
    },
    async request => await readAccount(store, principalOf(request), billing),
  );
}
