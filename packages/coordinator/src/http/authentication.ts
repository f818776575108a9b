import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts/check-key.ts';
import { KEY_PREFIX, type Principal, type Scope } from '../accounts/keys.ts';
import { type ErrorInfo, fail } from '../errors.ts';
import type { Limits } from '../limits/limits.ts';
import { type Outcome, unwrap } from '../store/operation.ts';
import { PRIVATE } from './headers.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireScope` and `identify`; absent on a public route without a key. */
    principal?: Principal;
    /** Looks the caller's key up again, for requests that last; absent without a key. */
    recheckKey?: () => Promise<Outcome<Principal>>;
    recheckMs?: number;
    /** Why the caller's key holds no longer, which was found while the request lasted. */
    revocation?: ErrorInfo;
  }
}

type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
/** It names the scope that it demands, for the reference. */
export type ScopeGuard = Guard & { scope: Scope };

/** Before-handlers that decide who calls. A wrong key is refused everywhere, an absent one where one is needed. */
export interface Guards {
  /** Anyone; a key that is sent must be right. */
  public: Guard;
  client: ScopeGuard;
  miner: ScopeGuard;
  admin: ScopeGuard;
  /** Everyone who has an account, whatever its key is for. */
  account: Guard;
}

export interface GuardsOptions {
  /**
   * Where no key is needed, a bearer token that can't be a key counts as none: for clients that always send one. It gives
   * away nothing, as the caller is who it would be without.
   */
  toleratePlaceholders?: boolean;
  /** Counts requests: of a key, or of an address. */
  limits: Pick<Limits, 'request'>;
}

export function createGuards(
  accounts: Accounts,
  { toleratePlaceholders = false, limits }: GuardsOptions,
): Guards {
  async function identify(request: FastifyRequest): Promise<Principal | undefined> {
    const key = keyOf(request);
    if (key === undefined) {
      await limits.request(accounts.anonymous, request.ip);
      return accounts.anonymous;
    }
    const isOwn = key.startsWith(KEY_PREFIX) || request.headers['x-api-key'] !== undefined;
    if (toleratePlaceholders && accounts.anonymous && !isOwn) return accounts.anonymous;
    const outcome = await accounts.authenticate(key);
    // Who is refused for too many requests is told what is left.
    if (outcome.ok) request.principal = outcome.value;
    // Whoever tries wrong keys is counted by address.
    const counted = limits.request(outcome.ok ? outcome.value : undefined, request.ip);
    if (counted) await counted;
    const principal = unwrap(outcome);
    request.recheckKey = () => accounts.recheck(key);
    request.recheckMs = accounts.recheckMs;
    return principal;
  }

  async function demand(request: FastifyRequest): Promise<Principal> {
    const principal = await identify(request);
    if (principal) return principal;
    return fail('AUTH_MISSING_KEY', 'Send your API key in the header X-Api-Key, or as a bearer token');
  }

  const requireScope = (scope: Scope): ScopeGuard =>
    Object.assign(
      async (request: FastifyRequest, reply: FastifyReply) => {
        reply.header('cache-control', PRIVATE);
        const principal = await demand(request);
        if (!principal.scopes.has(scope) && !principal.scopes.has('admin')) {
          fail('AUTH_INSUFFICIENT_SCOPE', `This needs a key with the scope ${scope}`);
        }
        request.principal = principal;
      },
      { scope },
    );

  return {
    async public(request) {
      const principal = await identify(request);
      if (principal) request.principal = principal;
    },
    client: requireScope('client'),
    miner: requireScope('miner'),
    admin: requireScope('admin'),
    async account(request, reply) {
      reply.header('cache-control', PRIVATE);
      request.principal = await demand(request);
    },
  };
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['x-api-key'];
  if (key !== undefined) return String(key);
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  const [scheme = '', token = ''] = authorization.split(' ', 2);
  return scheme.toLowerCase() === 'bearer' ? token : authorization;
}

/** Who calls a guarded route. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new Error(`${request.routeOptions.url} is not guarded`);
  return request.principal;
}
