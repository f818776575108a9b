import type { AuditEntry, ListAuditEntries } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';

/** Administrative actions. Requires an administrator's API key. */
export class AuditLog extends Resource {
  /** Lists actions, newest first. */
  list(query: ListAuditEntries = {}, options?: RequestOptions): Paged<AuditEntry> {
    return this.requests.list('/v1/audit-log', query, options);
  }
}
