import type { Draw, ListDraws, ListEvidence, MinerEvidence } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';

/** What is known of miners by their verified answers. */
export class EvidenceResource extends Resource {
  /** Lists the records of miners by miner and passport: all, or those of one miner. */
  list(query: ListEvidence = {}, options?: RequestOptions): Paged<MinerEvidence> {
    return this.requests.list('/v1/evidence', query, options);
  }

  /** Lists the draws by which answers were chosen, newest first. */
  draws(query: ListDraws = {}, options?: RequestOptions): Paged<Draw> {
    return this.requests.list('/v1/draws', query, options);
  }
}
