import { type Static, Type } from 'typebox';

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
