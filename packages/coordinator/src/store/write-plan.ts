import type { WriteContext } from './operation.ts';

/** Called within a transaction with what has just been changed in it. */
export type Subscriber = (changes: never, context: WriteContext) => Promise<void>;

/** What a store is told of the operations that it applies. */
export interface WritePlan {
  /** The names of operations, in the order in which a batch applies them. */
  order: readonly string[];
  /** By what has happened: `job.changed`. */
  subscribers: ReadonlyMap<string, readonly Subscriber[]>;
}

/** Where an operation stands in a batch. One that the plan does not name comes first. */
export function positionsIn({ order }: WritePlan): (name: string) => number {
  const positions = new Map(order.map((name, index) => [name, index]));
  return name => positions.get(name) ?? -1;
}

/** The context of a transaction, in which what happens is told to its subscribers. */
export function contextOf(
  base: Omit<WriteContext, 'publish'>,
  { subscribers }: Pick<WritePlan, 'subscribers'>,
): WriteContext {
  const context: WriteContext = {
    ...base,
    async publish(topic, changes) {
      for (const subscriber of subscribers.get(topic) ?? []) await subscriber(changes as never, context);
    },
  };
  return context;
}
