import type { AuditEntry } from '@aitbc/protocol';
import { type ListPage, nextPlace } from '../list-page.ts';
import type { Store } from '../store/store.ts';
import { type AuditPage, listEntries } from './queries.ts';

export interface AuditLogService {
  /** Returns a page of entries, newest first, and the number before which the next page starts. */
  list(page: AuditPage): Promise<ListPage<AuditEntry, number>>;
}

export function createAuditLog({ read }: Pick<Store, 'read'>): AuditLogService {
  return {
    async list(page) {
      const rows = await listEntries(read, page);
      const items = rows.map(({ at, details, source, ...row }): AuditEntry => {
        return {
          ...row,
          at: new Date(at).toISOString(),
          source: source as AuditEntry['source'],
          details: JSON.parse(details),
        };
      });
      return { items, next: nextPlace(rows, page.limit, row => row.id) };
    },
  };
}
