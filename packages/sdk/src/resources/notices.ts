import type { NewNotice, Notice } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import { type IdempotentOptions, Resource } from '../requests.ts';
import { id } from '../transport.ts';

/** Messages of the operator to the owners of miners. They require an administrator's API key. */
export class Notices extends Resource {
  /** Creates a notice. Retries never create a second one. */
  create(notice: NewNotice, options: IdempotentOptions = {}): Promise<Notice> {
    return this.requests.create('/v1/notices', notice, options);
  }

  /** Returns the notices that have not expired, oldest first. */
  list(options?: RequestOptions): Promise<Notice[]> {
    return this.requests.get('/v1/notices', options);
  }

  delete(noticeId: string, options?: RequestOptions): Promise<void> {
    return this.requests.send({ method: 'DELETE', path: `/v1/notices/${id(noticeId)}` }, options);
  }
}
