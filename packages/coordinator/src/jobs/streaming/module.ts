import { defineModule } from '../../define-module.ts';
import { limits } from '../../limits/module.ts';
import { miners } from '../../miners/module.ts';
import { reputationPolicy } from '../../miners/reputation.ts';
import { receipts } from '../../receipts/module.ts';
import { leasePolicy } from '../lease.ts';
import { leases } from '../leases/module.ts';
import { scheduling } from '../scheduling/module.ts';
import { moveStreams } from './chunks.ts';
import { streamOptions } from './options.ts';
import { postChunks } from './post-chunks.ts';

export const streaming = defineModule({
  name: 'streaming',
  uses: [limits, receipts, miners, scheduling, leases],
  options: streamOptions,
  operations: ({ config }) => ({
    postChunks: postChunks({
      ...{ ...leasePolicy(config), reputation: reputationPolicy(config) },
      ...{ maxBytes: config.streamLimit, maxChunks: config.streamChunks },
      resolvesBeforeSync: config.streamDurability === 'batch',
    }),
  }),
  subscribes: { 'job.changed': moveStreams },
  async create({ config, store, operations, services: { limits, receipts, scheduling } }) {
    const { createChunkReceiver } = await import('./receive-chunks.ts');
    const { createJobEvents } = await import('./follow-job.ts');
    return {
      chunks: createChunkReceiver({ store, operations, chunkLimit: config.chunkLimit }),
      events: createJobEvents({
        ...{ store, receipts, waits: scheduling },
        limits: {
          all: config.maxStreams,
          perAccount: principal => limits.streamsOf(principal) ?? config.maxStreamsPerAccount,
        },
      }),
    };
  },
  async routes(app, { config, service: { chunks, events }, guards }) {
    const { streamRoutes } = await import('./routes.ts');
    streamRoutes(app, {
      ...{ events, chunks, guards },
      heartbeatMs: config.streamHeartbeatSeconds * 1000,
      lineLimit: config.bodyLimit,
      // A model may be silent for as long as its job may take.
      bodyLimits: {
        idleSeconds: config.jobTimeoutSeconds,
        totalSeconds: Math.max(config.jobTimeoutSeconds, config.uploadSeconds),
      },
    });
  },
});
