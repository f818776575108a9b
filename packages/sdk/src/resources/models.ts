import type { OfferedModel, OfferedModels } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import { Resource } from '../requests.ts';

/** The models that miners offer now. */
export class Models extends Resource {
  async list(options?: RequestOptions): Promise<OfferedModel[]> {
    return (await this.requests.get<OfferedModels>('/v1/models', options)).data;
  }

  /** @throws {NotFoundError} `model_not_found` when no miner offers it */
  get(model: string, options?: RequestOptions): Promise<OfferedModel> {
    return this.requests.get(`/v1/models/${model.split('/').map(encodeURIComponent).join('/')}`, options);
  }
}
