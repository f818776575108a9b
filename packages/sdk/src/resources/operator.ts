import type { ConfiguredOption, OperatorProblem } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import { Resource } from '../requests.ts';

/** What operators see of their coordinator. Requires an administrator's API key. */
export class Operator extends Resource {
  /** Returns what is wrong now, alarms first, and what to do about each. */
  problems(options?: RequestOptions): Promise<OperatorProblem[]> {
    return this.requests.get('/v1/operator/problems', options);
  }

  /** Returns the options as the coordinator runs. Secrets are hidden. */
  configuration(options?: RequestOptions): Promise<ConfiguredOption[]> {
    return this.requests.get('/v1/operator/configuration', options);
  }
}
