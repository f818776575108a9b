import type { Scope } from '@aitbc/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from '../accounts/check-key.ts';
import { KEY_PREFIX, type Principal } from '../accounts/keys.ts';
import { type ErrorInfo, fail } from '../errors.ts';
import type { Limits } from '../limits/limits.ts';
import { type Outcome, unwrap } from '../store/operation.ts';
import { PRIVATE } from './headers.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireScope` and `identify`; absent on a public route without a key. */
    principal?: Principal;
    /** Looks the caller's key up again, for long requests. Absent without a key. */
    recheckKey?: () => Promise<Outcome<Principal>>;
    /** How often long requests call `recheckKey`. */
    recheckMs?: number;
    /** The error to send because the caller's key was revoked during the request. */
    revocation?: ErrorInfo;
  }
}

/** Returns a promise, or calls `done` at once where there is nothing to wait for: each promise delays a request a little. */
type Guard = (request: FastifyRequest, reply: FastifyReply, done?: () => void) => void | Promise<void>;
/** A guard that requires a scope, which the API reference shows. */
export type ScopeGuard = Guard & { scope: Scope };

/** Hooks that identify the caller. All of them reject a wrong key, and those that need a key reject a missing one. */
export interface Guards {
  /** Accepts callers without a key. A key that is sent must be valid. */
  public: Guard;
  client: ScopeGuard;
  miner: ScopeGuard;
  /** Accepts the operator's own verifiers, and those of owners of miners. */
  verifier: ScopeGuard;
  /** For the management of the account's API keys. */
  keys: ScopeGuard;
  metrics: ScopeGuard;
  admin: ScopeGuard;
  /** Accepts a key with any scope. */
  account: Guard;
}

export interface GuardsOptions {
  /**
   * In open mode, treats a bearer token that can't be a key as no key, since some clients always send one. This is safe:
   * such a caller has the same rights as one without a key.
   */
  toleratePlaceholders?: boolean;
  /** Counts requests by key, or by address. */
  limits: Pick<Limits, 'request'>;
}

export function createGuards(
  accounts: Authenticator,
  { toleratePlaceholders = false, limits }: GuardsOptions,
): Guards {
  function identify(request: FastifyRequest): Identified {
    const key = keyOf(request);
    if (key !== undefined) return identifyByKey(request, key);
    const counted = limits.request(accounts.anonymous, request.ip);
    return counted ? counted.then(() => accounts.anonymous) : accounts.anonymous;
  }

  async function identifyByKey(request: FastifyRequest, key: string): Promise<Principal | undefined> {
    const isOwn = key.startsWith(KEY_PREFIX) || request.headers['x-api-key'] !== undefined;
    if (toleratePlaceholders && accounts.anonymous && !isOwn) return accounts.anonymous;
    const outcome = await accounts.authenticate(key);
    // The principal is set before the limit is checked, so that a rejection has the rate headers.
    if (outcome.ok) request.principal = outcome.value;
    // Requests with wrong keys are counted by address.
    const counted = limits.request(outcome.ok ? outcome.value : undefined, request.ip);
    if (counted) await counted;
    const principal = unwrap(outcome);
    request.recheckKey = () => accounts.recheck(key);
    request.recheckMs = accounts.recheckMs;
    return principal;
  }

  /** Returns a guard that sets the principal, once `check` has accepted it. */
  const guard =
    (check: (principal: Principal | undefined) => Principal | undefined, isPrivate: boolean): Guard =>
    (request, reply, done) => {
      if (isPrivate) reply.header('cache-control', PRIVATE);
      const accept = (principal: Principal | undefined) => {
        const accepted = check(principal);
        if (accepted) request.principal = accepted;
      };
      const identified = identify(request);
      if (identified instanceof Promise) return identified.then(accept);
      accept(identified);
      done?.();
    };

  const requireScope = (scope: Scope, other?: Scope): ScopeGuard => {
    const check = (principal: Principal | undefined) => {
      const { scopes } = requireKey(principal);
      if (!scopes.has(scope) && !scopes.has('admin') && !(other && scopes.has(other)))
        fail('AUTH_INSUFFICIENT_SCOPE', `This needs a key with the scope ${scope}`);
      return principal;
    };
    return Object.assign(guard(check, true), { scope });
  };

  return {
    public: guard(principal => principal, false),
    client: requireScope('client'),
    miner: requireScope('miner'),
    verifier: requireScope('miner', 'verifier'),
    keys: requireScope('keys'),
    metrics: requireScope('metrics'),
    admin: requireScope('admin'),
    account: guard(requireKey, true),
  };
}

/** The caller, or undefined where a key is required and none was sent. */
type Identified = Principal | undefined | Promise<Principal | undefined>;

function requireKey(principal: Principal | undefined): Principal {
  if (principal) return principal;
  return fail('AUTH_MISSING_KEY', 'Send your API key in the header X-Api-Key, or as a bearer token');
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['x-api-key'];
  if (key !== undefined) return String(key);
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  const [scheme = '', token = ''] = authorization.split(' ', 2);
  return scheme.toLowerCase() === 'bearer' ? token : authorization;
}

/** The caller of a guarded route. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new Error(`${request.routeOptions.url} is not guarded`);
  return request.principal;
}
