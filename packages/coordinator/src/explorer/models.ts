import type { PublicModel } from '@aitbc/protocol';
import type { ModelDirectory, ModelSummary } from '../miners/models.ts';
import { type PriceList, pricingOf } from '../receipts/pricing.ts';
import type { ModelFirstTokens } from './overview/model-first-tokens.ts';

/** Lists the models that live miners offer, by name, after a name. */
export async function listPublicModels(
  models: Pick<ModelDirectory, 'list'>,
  prices: PriceList,
  firstTokens: Pick<ModelFirstTokens, 'of'>,
  { after = '', limit }: { after: string | undefined; limit: number },
): Promise<PublicModel[]> {
  const all = await models.list();
  return all
    .filter(({ model }) => model > after)
    .slice(0, limit)
    .map(summary => toPublicModel(summary, prices, firstTokens));
}

function toPublicModel(
  { model, abilities, ...summary }: ModelSummary,
  prices: PriceList,
  firstTokens: Pick<ModelFirstTokens, 'of'>,
): PublicModel {
  const pricing = pricingOf(model, prices);
  return {
    ...{ model, miners: summary.miners, loaded: summary.loaded, slots: summary.slots },
    context_length: abilities.context_length?.most ?? null,
    time_to_first_token_ms: summary.first_token_ms,
    first_token: firstTokens.of(model),
    tokens_per_second: summary.tokens_per_second,
    passports: summary.passports,
    price_unit: pricing.unit,
    price: pricing.unit === 'token' ? pricing.ratePer1000 : pricing.rate,
  };
}
