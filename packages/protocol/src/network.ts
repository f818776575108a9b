import { type Static, Type } from 'typebox';

/** The health of one part of a coordinator, for administrators. */
export const HealthComponent = Type.Object({
  status: Type.Enum(['ok', 'warning', 'failing'], {
    type: 'string',
    description: '`failing` makes the coordinator unready; `warning` does not.',
  }),
  detail: Type.Optional(Type.String({ description: 'What is wrong, and what to do about it.' })),
});
export type HealthComponent = Static<typeof HealthComponent>;

export const HealthComponents = Type.Record(Type.String(), HealthComponent, {
  description:
    "Each component by its name, for administrators only: `store` (reads and writes), `ledger` (publication), `clock` (steps of the system's time), `signing_key` (its file), `log` (standard output).",
});

export const Health = Type.Object({
  status: Type.Literal('ok'),
  version: Type.String(),
  components: Type.Optional(HealthComponents),
});
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
