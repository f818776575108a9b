import { accounts } from '../../accounts/module.ts';
import { defineModule } from '../../define-module.ts';
import { limits } from '../../limits/module.ts';
import { miners } from '../../miners/module.ts';
import { receipts } from '../../receipts/module.ts';
import { type PriceList, pricingOf } from '../../receipts/pricing.ts';
import { webhooks } from '../../webhooks/module.ts';
import { leasePolicy } from '../lease.ts';
import { leases } from '../leases/module.ts';
import type { BillingPolicy } from '../prepaid-balance.ts';
import { scheduling } from '../scheduling/module.ts';
import { fallBackJobs } from './fall-back.ts';
import { requireNoAliases } from './model-aliases.ts';
import { submissionOptions } from './options.ts';
import { submitJobs } from './submit-jobs.ts';

type BillingConfig = Parameters<typeof leasePolicy>[0] & PriceList & { billing: string };

const billingPolicy = (config: BillingConfig): BillingPolicy => ({
  prepaid: config.billing === 'prepaid',
  pricingOf: model => pricingOf(model, config),
  timeoutMs: leasePolicy(config).timeoutMs,
});

/** How often it is looked whether jobs have waited for too long. */
const FALL_BACK_EVERY_MS = 1_000;

export const submitting = defineModule({
  name: 'submitting',
  uses: [accounts, limits, receipts, miners, scheduling, leases, webhooks],
  options: submissionOptions,
  idPrefix: 'job',
  operations: ({ config }) => ({
    submitJobs: submitJobs({
      ...billingPolicy(config),
      keepMs: config.preferMinerSeconds * 1000,
      fallbackMs: config.fallbackSeconds * 1000,
    }),
    fallBackJobs: fallBackJobs(config.fallbackSeconds * 1000),
  }),
  async create({ config, store, now, ids, operations, services }) {
    requireNoAliases(config.modelAliases, { '--rates': config.rates, '--token-rates': config.tokenRates });
    const { ClientJobs } = await import('./client-jobs.ts');
    const { limits, miners, scheduling, webhooks } = services;
    return new ClientJobs({
      ...{ config, store, now, ids, operations, limits },
      directory: miners.directory,
      waits: scheduling,
      prefixes: scheduling.prefixes,
      webhooks: webhooks.client,
      policy: billingPolicy(config),
    });
  },
  tasks({ service, operations }) {
    const step = () => service.fallBack();
    return [{ name: operations.fallBackJobs.name, everyMs: FALL_BACK_EVERY_MS, rest: 1, step }];
  },
  async routes(app, { config, service: jobs, services: { receipts }, guards }) {
    const { clientJobRoutes } = await import('./routes.ts');
    clientJobRoutes(app, { jobs, receipts, guards, batchBodyLimit: config.batchBodyLimit });
  },
});
