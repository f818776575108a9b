import { ApiKeyChange, type ApiKeyWithSecret, RotateApiKey } from '@aitbc/protocol';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Actor } from '../audit/record-actions.ts';
import { fail } from '../errors.ts';
import { createIds } from '../ids.ts';
import type { Store } from '../store/store.ts';
import { type ApiKeyService, createApiKeys } from './api-keys.ts';
import type { Principal } from './keys.ts';
import { neverRepeated } from './repeats.ts';

/** Whoever can open the store may do what an administrator may. */
const OPERATOR: Principal = { accountId: 0, address: '', scopes: new Set(['admin']), anonymous: false };

/** What the command on the coordinator's machine does with keys, by the rules of the routes. */
export interface OperatorKeys {
  /** Changes what a key may do. @throws {RequestError} */
  change(id: string, change: ApiKeyChange): ReturnType<ApiKeyService['change']>;
  /** Gives a key a new secret, which only this answer has. @throws {RequestError} */
  rotate(id: string, request: RotateApiKey): Promise<ApiKeyWithSecret>;
}

export function createOperatorKeys(store: Store, actor: Actor): OperatorKeys {
  const shared = { store, ids: createIds(Date.now), now: Date.now };
  const keys = createApiKeys({ ...shared, tiers: undefined, repeats: neverRepeated });
  const caller = { principal: OPERATOR, actor };
  return {
    async change(id, change) {
      requireValid(ApiKeyChange, change);
      return await keys.change(caller, id, change);
    },
    async rotate(id, request) {
      requireValid(RotateApiKey, request);
      return (await keys.rotate(caller, id, request, undefined)).answer;
    },
  };
}

function requireValid(schema: TSchema, request: object): void {
  const [fault] = Value.Errors(schema, request);
  if (!fault) return;
  const field = fault.instancePath.slice(1).replaceAll('/', '.');
  fail('VALIDATION_OUT_OF_RANGE', `${field} ${fault.message}`, { field });
}
