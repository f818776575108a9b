import type { Account } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { createContext, useContext, useSyncExternalStore } from 'react';
import { OWN } from '../api/queries.ts';
import { type Session, type SessionState, sessions } from './session-store.ts';

export const SessionContext = createContext<Session | undefined>(undefined);

/** Returns whether somebody is signed in, and who. */
export const useSessionState = (): SessionState => useSyncExternalStore(sessions.subscribe, sessions.get);

/** Returns the session. Only below `SignedIn`. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('useSession is used outside of SignedIn');
  return session;
}

/** How often the balance is read while it is shown. */
const BALANCE_MS = 20_000;

/** Returns the account of a session as it is now. */
export function useAccount(session: Session): Account {
  const { data } = useQuery({
    queryKey: [OWN, 'account'],
    queryFn: ({ signal }) => session.client.accounts.own({ signal }),
    initialData: session.account,
    refetchInterval: BALANCE_MS,
  });
  return data;
}
