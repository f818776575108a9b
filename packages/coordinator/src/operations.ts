import { BATCH_ORDER } from './batch-order.ts';
import type { Config } from './config.ts';
import type { AnyModule, Issuer, OperationTable } from './define-module.ts';
import { MODULES, type Operations } from './modules.ts';
import type { Operation } from './store/operation.ts';
import type { Subscriber, WritePlan } from './store/write-plan.ts';

/**
 * Creates the operations of all modules for a configuration.
 *
 * @throws where two operations have the same name, or `BATCH_ORDER` lacks one
 */
export function createOperations(config: Config, issuer: Issuer): Operations {
  let operations: OperationTable = {};
  for (const module of MODULES as readonly AnyModule[])
    operations = { ...operations, ...module.operations({ config, issuer, operations }) };
  const names = allOperations(operations).map(({ name }) => name);
  const faulty = names.find((name, index) => names.indexOf(name) < index || !BATCH_ORDER.includes(name));
  if (faulty !== undefined)
    throw new Error(`The operation ${faulty} must have a name of its own, and a place in BATCH_ORDER`);
  return operations as Operations;
}

export function allOperations(operations: object): readonly Operation<never, unknown>[] {
  return Object.values(operations);
}

/** How the store applies the modules' operations. */
export const WRITE_PLAN: WritePlan = { order: BATCH_ORDER, subscribers: subscribers() };

function subscribers(): Map<string, Subscriber[]> {
  const byTopic = new Map<string, Subscriber[]>();
  for (const { subscribes } of MODULES)
    for (const [topic, subscriber] of Object.entries(subscribes))
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), subscriber as Subscriber]);
  return byTopic;
}
