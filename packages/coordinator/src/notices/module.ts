import { accounts } from '../accounts/module.ts';
import { defineModule } from '../define-module.ts';
import { createNotice, deleteNotice } from './operations.ts';

export const notices = defineModule({
  name: 'notices',
  uses: [accounts],
  idPrefix: 'notice',
  operations: () => ({ createNotice, deleteNotice }),
  async create({ store, now, ids, operations, services: { accounts } }) {
    const { createNotices } = await import('./notices.ts');
    return createNotices({ store, now, ids, repeats: accounts.repeats, operations });
  },
  async routes(app, { service: notices, guards }) {
    const { noticeRoutes } = await import('./routes.ts');
    noticeRoutes(app, { notices, guards });
  },
});
