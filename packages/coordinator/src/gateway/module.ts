import { defineModule } from '../define-module.ts';
import { streaming } from '../jobs/streaming/module.ts';
import { submitting } from '../jobs/submitting/module.ts';
import { toModelPrice } from '../jobs/submitting/preview-job.ts';
import { miners } from '../miners/module.ts';
import { receiptOptions } from '../receipts/options.ts';
import { pricingOf } from '../receipts/pricing.ts';

export const gateway = defineModule({
  name: 'gateway',
  uses: [submitting, streaming, miners],
  reads: receiptOptions,
  async create({ config, services: { submitting, streaming, miners } }) {
    const { createGateway } = await import('./gateway.ts');
    const priceOf = (model: string) => toModelPrice(pricingOf(model, config));
    return createGateway({
      ...{ jobs: submitting, events: streaming.events, models: miners.models, priceOf },
      aliases: config.modelAliases,
    });
  },
  api: 'openai',
  async routes(app, { config, service: gateway, guards }) {
    const { gatewayRoutes } = await import('./routes.ts');
    gatewayRoutes(app, {
      ...{ gateway, guards },
      heartbeatMs: config.streamHeartbeatSeconds * 1000,
      bodyLimit: config.bodyLimit + config.mediaLimit,
    });
  },
});
