import type { WriteContext } from './operation.ts';

/** Called within a transaction with the changes that an operation has just made in it. */
export type Subscriber = (changes: never, context: WriteContext) => Promise<void>;

/** How a store applies operations. */
export interface WritePlan {
  /** Names of the operations, in the order in which a batch applies them. */
  order: readonly string[];
  /** Subscribers by topic, such as `job.changed`. */
  subscribers: ReadonlyMap<string, readonly Subscriber[]>;
}

/** Returns the function that looks up an operation's position. Operations that the plan does not name come first. */
export function createPositionOf({ order }: WritePlan): (name: string) => number {
  const positions = new Map(order.map((name, index) => [name, index]));
  return name => positions.get(name) ?? -1;
}

/** Completes a transaction's context with `publish`. */
export function createContext(
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
