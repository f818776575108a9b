export * from './common.ts';
export * from './errors.ts';
export * from './jobs.ts';
export * from './limits.ts';
export * from './miners.ts';
export * from './network.ts';
export * from './receipts.ts';
export * from './streams.ts';
