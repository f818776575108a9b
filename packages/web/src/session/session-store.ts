import { type Account, type ApiKey, CoordinatorClient, isCoordinatorError, type Scope } from '@aitbc/sdk';
import { COORDINATOR_URL } from '../api/client.ts';
import { OWN, queryClient } from '../api/queries.ts';

/** Who uses this tab, and the client that acts for them. */
export interface Session {
  client: CoordinatorClient;
  /** As it was when the session began. `useAccount` returns it as it is now. */
  account: Account;
  /** Null where the coordinator asks for no key: then all visitors share one account. */
  apiKey: ApiKey | null;
  /** Whether the key may do what this scope is for. */
  may(scope: Scope): boolean;
}

/**
 * - `unknown`: the coordinator was not asked yet.
 * - `checking`: the coordinator is asked.
 * - `signed-out`: a key is needed. `error` is why the last one is not accepted any longer.
 * - `failed`: the coordinator did not say. `error` is why.
 */
export type SessionState =
  | { status: 'unknown' | 'checking' }
  | { status: 'signed-out'; error?: unknown }
  | { status: 'failed'; error: unknown }
  | { status: 'signed-in'; session: Session };

/** Kept for this tab only: it is gone when the tab is closed, and other tabs don't see it. */
const STORED = 'aitbc.key';

const listeners = new Set<() => void>();
/** The key for this page, where nothing can be stored. */
let key = readStored();
let state = withoutSession();

/** The page says whether the coordinator needs keys. `vite` serves a page that does not know. */
function withoutSession(): SessionState {
  const isKeyMissing = key === null && document.documentElement.dataset.keys === 'required';
  return { status: isKeyMissing ? 'signed-out' : 'unknown' };
}

function readStored(): string | null {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function keep(next: string | null): void {
  key = next;
  try {
    if (next === null) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, next);
  } catch {
    // Then the session lasts as long as the page.
  }
}

function set(next: SessionState): void {
  if (state.status === 'signed-in') queryClient.removeQueries({ queryKey: [OWN] });
  state = next;
  for (const listener of listeners) listener();
}

async function open(apiKey: string | null): Promise<Session> {
  const plain = { apiKey, maxRetries: 1, timeout: 30_000 };
  const asking = new CoordinatorClient(COORDINATOR_URL, plain);
  const account = await asking.accounts.own();
  const found = apiKey === null ? null : await asking.apiKeys.current();
  const scopes = new Set<Scope>(found?.scopes ?? ['client', 'miner']);
  const session: Session = {
    client: new CoordinatorClient(COORDINATOR_URL, { ...plain, fetch: (...call) => watch(session, ...call) }),
    account,
    apiKey: found,
    may: scope => scopes.has(scope) || scopes.has('admin'),
  };
  return session;
}

/** Ends the session when its key is no longer accepted, whichever request finds that out. */
async function watch(session: Session, ...call: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...call);
  if (response.status === 401) void endIfRejected(session);
  return response;
}

async function endIfRejected(session: Session): Promise<void> {
  const isCurrent = () => state.status === 'signed-in' && state.session === session;
  if (!isCurrent()) return;
  try {
    await open(key);
  } catch (error) {
    if (!isCurrent() || !isUnauthenticated(error)) return;
    keep(null);
    set({ status: 'signed-out', error });
  }
}

/** Whether the coordinator does not accept the key, or asks for one. */
const isUnauthenticated = (error: unknown) => isCoordinatorError(error) && error.status === 401;

export const sessions = {
  get: () => state,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  /** Asks the coordinator whose key this is, or whether it asks for none. */
  async check(): Promise<void> {
    if (state.status === 'checking') return;
    const asked = key;
    set({ status: 'checking' });
    try {
      set({ status: 'signed-in', session: await open(asked) });
    } catch (error) {
      if (!isUnauthenticated(error)) return set({ status: 'failed', error });
      keep(null);
      set({ status: 'signed-out', ...(asked !== null && { error }) });
    }
  },
  /** Begins a session. Rejects, and leaves everything as it is, when the coordinator does not accept the key. */
  async signIn(given: string): Promise<void> {
    const session = await open(given);
    keep(given);
    set({ status: 'signed-in', session });
  },
  signOut(): void {
    keep(null);
    set(withoutSession());
  },
};
