import type { PublicModel } from '@aitbc/protocol';
import type { ModelDirectory, ModelSummary } from '../miners/models.ts';
import { type PriceList, pricingOf } from '../receipts/pricing.ts';

/** Lists the models that live miners offer, by name, after a name. */
export async function listPublicModels(
  models: Pick<ModelDirectory, 'list'>,
  prices: PriceList,
  { after = '', limit }: { after: string | undefined; limit: number },
): Promise<PublicModel[]> {
  const all = await models.list();
  return all
    .filter(({ model }) => model > after)
    .slice(0, limit)
    .map(summary => toPublicModel(summary, prices));
}

function toPublicModel({ model, abilities, ...summary }: ModelSummary, prices: PriceList): PublicModel {
  const pricing = pricingOf(model, prices);
  return {
    ...{ model, miners: summary.miners, loaded: summary.loaded, slots: summary.slots },
    context_length: abilities.context_length?.most ?? null,
    time_to_first_token_ms: summary.first_token_ms,
    tokens_per_second: summary.tokens_per_second,
    price_unit: pricing.unit,
    price: pricing.unit === 'token' ? pricing.ratePer1000 : pricing.rate,
  };
}
