import { Address, AddressDay, MinerDay } from '@aitbc/protocol';
import { Type } from 'typebox';
import type { Guards } from '../../http/authentication.ts';
import { type App, answers, IdParams } from '../../http/routes.ts';
import type { History } from './history.ts';

const tags = ['explorer'];

/** What addresses and miners did, by day. */
export function historyRoutes(app: App, { history, guards }: { history: History; guards: Guards }): void {
  app.get(
    '/explorer/addresses/:address/days',
    {
      config: { costly: 'read', shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreAddressDays',
        summary:
          'List what an address earned and paid by day, with its balance: the last 366 days that have any',
        description: 'New entries of the ledger are added within seconds.',
        tags,
        params: Type.Object({ address: Address('`ait1…`') }),
        response: answers({ 200: Type.Array(AddressDay) }, 400, 401, 404),
      },
    },
    async request => await history.address(request.params.address),
  );

  app.get(
    '/explorer/miners/:id/days',
    {
      config: { costly: 'read', shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreMinerDays',
        summary: 'List how much of each of the last 90 days a miner was there, and what it earned',
        tags,
        params: IdParams,
        response: answers({ 200: Type.Array(MinerDay) }, 400, 401, 404),
      },
    },
    async request => await history.miner(request.params.id),
  );
}
