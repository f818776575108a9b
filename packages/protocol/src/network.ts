import { type Static, Type } from 'typebox';
import { Nullable, Timestamp } from './common.ts';

export const Health = Type.Object({ status: Type.Literal('ok'), version: Type.String() });
export type Health = Static<typeof Health>;

export const NetworkStats = Type.Object(
  {
    total_jobs: Type.Integer(),
    pending_jobs: Type.Integer(),
    running_jobs: Type.Integer(),
    completed_jobs: Type.Integer(),
    failed_jobs: Type.Integer(),
    cancelled_jobs: Type.Integer(),
    total_miners: Type.Integer(),
    active_miners: Type.Integer(),
    total_receipts: Type.Integer(),
    block_height: Type.Integer(),
  },
  { $id: 'NetworkStats' },
);
export type NetworkStats = Static<typeof NetworkStats>;

export const Block = Type.Object(
  {
    height: Type.Integer(),
    hash: Type.String(),
    parent_hash: Nullable(Type.String()),
    tree_size: Type.Integer(),
    root_hash: Type.String(),
    timestamp: Timestamp,
    transactions: Type.Integer(),
    size: Type.Integer(),
  },
  { $id: 'Block' },
);
export type Block = Static<typeof Block>;

export const Transaction = Type.Object(
  {
    hash: Type.String(),
    index: Type.Integer(),
    height: Nullable(Type.Integer()),
    type: Type.String(),
    timestamp: Timestamp,
  },
  { $id: 'Transaction' },
);
export type Transaction = Static<typeof Transaction>;
