import { createIds, createKey, revokeKey, type Scope } from '../../src/index.ts';
import type { TestCoordinator } from './coordinator.ts';

/** An API key with its id. */
export async function makeKey(
  { running, now }: TestCoordinator,
  scopes: Scope[],
  expiresAt: number | null = null,
) {
  const id = createIds(now).next('key');
  return await createKey(running.modules.store, { id, name: null, scopes, expiresAt });
}

export const revoke = ({ running }: TestCoordinator, id: string) => revokeKey(running.modules.store, id);
