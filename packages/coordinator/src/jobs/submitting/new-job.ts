import { hash } from 'node:crypto';
import { type SubmitJob, writeOwn } from '@aitbc/protocol';
import { requireAddress } from '../../accounts/accounts.ts';
import type { Principal } from '../../accounts/keys.ts';
import { fail } from '../../errors.ts';
import type { Ids } from '../../ids.ts';
import type { ReceiptConfig } from '../../receipts/options.ts';
import { pricingOf } from '../../receipts/pricing.ts';
import { tokenLimit } from '../../receipts/token-limit.ts';
import { contentOf, FIELDS, type JobContent } from '../content.ts';
import { checkReplication } from '../replication-request.ts';
import { mostTokens, sizeOf } from '../request-size.ts';
import { requirementsOf } from '../requirements.ts';
import { queueKeyOf } from '../scheduling/job-queues.ts';
import { isAllowedModel, modelNamed } from './model-aliases.ts';
import type { SubmissionConfig } from './options.ts';
import type { NewJob, NewRun } from './submit-jobs.ts';

/** The parts of a caller that decide what it may ask for. */
export type Asker = Pick<Principal, 'scopes' | 'maxPriority' | 'allowedModels'>;

type JobConfig = SubmissionConfig & ReceiptConfig;

/** Creates the functions that convert requests to stored jobs. They throw RequestError, which names the wrong field. */
export function createJobMaker(config: JobConfig, ids: Ids) {
  function makeJob(asked: SubmitJob, index: number, count: number, asker: Asker): NewJob {
    const prefix = count === 1 ? '' : `jobs.${index}.`;
    const models = modelsOf(asked, prefix, asker);
    const request = { ...asked, model: models[0] };
    const content = contentOf(request, prefix);
    checkLimits(request, content, prefix, config, asker);
    for (const model of models) checkPrice(request, model, prefix, config);
    checkReplication(request, prefix);
    checkOwners(request, prefix);
    const promptBytes = mostTokens(request, content);
    const runs = (request.replication ?? 1) > 1 ? request.replication : 0;
    return {
      ...newRun(content),
      runs: Array.from({ length: runs ?? 0 }, () => newRun(content)),
      content,
      ...(models.length > 1 && { models }),
      params: writeOwn(request.params ?? {}),
      request,
      place: queueKeyOf(request, requirementsOf(request, content)),
      ttlMs: (request.ttl_seconds ?? config.ttlSeconds) * 1000,
      maxAttempts: request.max_attempts ?? config.maxAttempts,
      promptBytes,
      tokenLimit: tokenLimit(promptBytes, request.params?.max_tokens ?? config.tokenLimit),
      inputBytes: Buffer.byteLength(content.text) + jsonLength(request.params) + jsonLength(request.metadata),
    };
  }

  /** Returns the models that a request names, best first, without aliases. */
  function modelsOf({ model, models = [] }: SubmitJob, prefix: string, asker: Asker): [string, ...string[]] {
    const names = new Map((model === undefined ? [] : [[model, 'model']]) as [string, string][]);
    for (const [index, name] of models.entries()) if (!names.has(name)) names.set(name, `models.${index}`);
    for (const [name, field] of names) {
      if (isAllowedModel(name, config.modelAliases, asker.allowedModels)) continue;
      fail('MODEL_NOT_ALLOWED', `This key may not use the model ${name}`, { field: prefix + field });
    }
    const [first, ...others] = new Set([...names.keys()].map(name => modelNamed(name, config.modelAliases)));
    if (first === undefined)
      fail('VALIDATION_MISSING_FIELD', `${prefix}model is missing`, { field: `${prefix}model` });
    return [first, ...others];
  }

  function newRun({ text }: JobContent): NewRun {
    const salt = ids.hex(16);
    return { id: ids.next('job'), salt, promptHash: hash('sha256', salt + text) };
  }

  return makeJob;
}

const jsonLength = (value: object | undefined) => (value === undefined ? 2 : JSON.stringify(value).length);

function checkLimits(
  request: SubmitJob,
  content: JobContent,
  prefix: string,
  config: JobConfig,
  asker: Asker,
): void {
  const { kind } = content;
  const field = `${prefix}${FIELDS[kind]}`;
  const bytes = sizeOf(request, content);
  const requireAtMost = (limit: number, size: number, what: string) => {
    const detail = `The ${what} of a job must not be longer than ${limit} bytes`;
    if (size > limit) fail('VALIDATION_PROMPT_TOO_LONG', detail, { field });
  };
  requireAtMost(config.promptLimit, bytes.prompt, FIELDS[kind]);
  requireAtMost(config.mediaLimit, bytes.media, kind === 'embedding' ? 'input' : 'images');
  if ((request.priority ?? 0) > config.maxPriority && !asker.scopes.has('admin')) {
    fail('VALIDATION_OUT_OF_RANGE', `priority must be <= ${config.maxPriority}`, {
      field: `${prefix}priority`,
    });
  }
  if ((request.priority ?? 0) > (asker.maxPriority ?? Infinity)) {
    const detail = `This key may ask for a priority of up to ${asker.maxPriority}`;
    fail('AUTH_INSUFFICIENT_SCOPE', detail, { field: `${prefix}priority` });
  }
}

/** Rejects what is no address among the owners. Addresses that nobody has yet are accepted: their owner may come. */
function checkOwners({ constraints }: SubmitJob, prefix: string): void {
  for (const [list, addresses] of Object.entries(constraints?.owners ?? {}))
    for (const [index, address] of addresses.entries())
      requireAddress(address, `${prefix}constraints.owners.${list}.${index}`);
}

/** Rejects a price limit that pays for too little time: it would only make miners fail. */
function checkPrice({ constraints }: SubmitJob, model: string, prefix: string, config: JobConfig): void {
  const maxPrice = constraints?.max_price;
  if (maxPrice === undefined) return;
  const pricing = pricingOf(model, config);
  if (pricing.unit !== 'gpu_second' || maxPrice >= pricing.rate * config.minRunSeconds) return;
  const least = pricing.rate * config.minRunSeconds;
  const detail = `max_price must pay for ${config.minRunSeconds} s at least, which are ${least} credits`;
  fail('VALIDATION_OUT_OF_RANGE', detail, { field: `${prefix}constraints.max_price` });
}
