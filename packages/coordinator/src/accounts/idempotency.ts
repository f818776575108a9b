import type { Kysely } from 'kysely';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import type { DatabaseSchema, Row } from '../store/schema.ts';
import { findIdempotencyKey } from './queries.ts';

/** The parts of a request that decide whether it repeats an earlier one. */
export interface Repeatable {
  accountId: number;
  idempotency?: { key: string; requestHash: string; lastsMs: number };
}

/** The outcomes of earlier requests with the same idempotency keys. */
export interface Repeated {
  /** Returns the ids that the first request with this key created, or undefined if this request is the first. */
  answer(input: Repeatable): Outcome<string[]> | undefined;
  note(input: Repeatable, ids: readonly string[]): void;
  save(): Promise<void>;
}

export async function loadRepeated(
  inputs: readonly Repeatable[],
  { tx, now }: WriteContext,
): Promise<Repeated> {
  const ids = new Set(inputs.flatMap(input => idOf(input) ?? []));
  const rows = await tx.load('idempotency', 'id', [...ids]);
  const known = new Map(rows.filter(row => row.expires_at > now).map(row => [row.id, row]));
  const used: Row<'idempotency'>[] = [];
  return {
    answer(input) {
      const found = known.get(idOf(input) ?? '');
      return found && replay(found, input.idempotency?.requestHash ?? '');
    },
    note(input, made) {
      const { idempotency } = input;
      const id = idOf(input);
      if (!idempotency || id === undefined) return;
      const { requestHash: request_hash, lastsMs } = idempotency;
      const row = { id, request_hash, created_ids: JSON.stringify(made), expires_at: now + lastsMs };
      known.set(id, row);
      used.push(row);
    },
    save: () => tx.upsert('idempotency', used),
  };
}

/** An input that may come again. */
export interface OnceInput {
  /** Absent for requests without an idempotency key. */
  repeatable?: Repeatable | undefined;
}

export interface OnceOutput {
  /** The id of what this input created, or the first one with its idempotency key. */
  id: string;
  replayed: boolean;
}

/**
 * Makes an operation that applies an input only if it does not repeat an earlier one. Inputs are applied one after the
 * other, which is for what is rare.
 *
 * @param idOf the id that this input and its repetitions are answered with
 */
export const once = <Input extends OnceInput>(
  { name, apply }: Operation<Input, unknown>,
  idOf: (input: Input) => string,
): Operation<Input, OnceOutput> => ({
  name,
  async apply(inputs, context) {
    const repeated = await loadRepeated(
      inputs.flatMap(({ repeatable }) => repeatable ?? []),
      context,
    );
    const outcomes: Outcome<OnceOutput>[] = [];
    for (const input of inputs) {
      const { repeatable } = input;
      const before = repeatable && repeated.answer(repeatable);
      if (before) {
        outcomes.push(before.ok ? done({ id: before.value[0] ?? '', replayed: true }) : before);
        continue;
      }
      const [outcome] = await apply([input], context);
      if (!outcome) throw new Error(`${name} must answer each input`);
      const id = idOf(input);
      if (outcome.ok && repeatable) repeated.note(repeatable, [id]);
      outcomes.push(outcome.ok ? done({ id, replayed: false }) : outcome);
    }
    await repeated.save();
    return outcomes;
  },
});

/**
 * Returns the outcome of an earlier request with the same key, or undefined if there is none or the request has no key.
 */
export async function findRepeated(
  db: Kysely<DatabaseSchema>,
  input: Repeatable,
  now: number,
): Promise<Outcome<string[]> | undefined> {
  const id = idOf(input);
  const found = id === undefined ? undefined : await findIdempotencyKey(db, id);
  if (!found || found.expires_at <= now) return undefined;
  return replay(found, input.idempotency?.requestHash ?? '');
}

const idOf = ({ accountId, idempotency }: Repeatable) => idempotency && `${accountId}/${idempotency.key}`;

function replay(
  { request_hash, created_ids }: Pick<Row<'idempotency'>, 'request_hash' | 'created_ids'>,
  requestHash: string,
): Outcome<string[]> {
  if (request_hash === requestHash) return done(JSON.parse(created_ids));
  return failed('IDEMPOTENCY_KEY_REUSED', 'This idempotency key was used before with another request body');
}
