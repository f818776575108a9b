import { defineModule } from '../define-module.ts';
import { createNotice, deleteNotice } from './operations.ts';

export const notices = defineModule({
  name: 'notices',
  idPrefix: 'notice',
  operations: () => ({ createNotice, deleteNotice }),
  async create({ store, now, ids, operations }) {
    const { createNotices } = await import('./notices.ts');
    return createNotices({ store, now, ids, operations });
  },
  async routes(app, { service: notices, guards }) {
    const { noticeRoutes } = await import('./routes.ts');
    noticeRoutes(app, { notices, guards });
  },
});
