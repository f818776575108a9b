import { defineModule } from '../define-module.ts';
import { streaming } from '../jobs/streaming/module.ts';
import { submitting } from '../jobs/submitting/module.ts';
import { miners } from '../miners/module.ts';

export const gateway = defineModule({
  name: 'gateway',
  uses: [submitting, streaming, miners],
  async create({ services: { submitting, streaming, miners } }) {
    const { createGateway } = await import('./gateway.ts');
    return createGateway({ jobs: submitting, events: streaming.events, models: miners.models });
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
