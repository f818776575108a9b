import type { Scope } from '@aitbc/sdk';
import type { ReactNode } from 'react';
import { Page } from '../components/page/page.tsx';
import { Loading, LoadingFailed } from '../components/states/states.tsx';
import { sessions } from './session-store.ts';
import { SignInPanel } from './sign-in-panel.tsx';
import { SessionContext, useSessionState } from './use-session.ts';
import { WrongScope } from './wrong-scope.tsx';

interface SignedInProps {
  scope: Scope;
  /** The heading of the page while its content can't be shown. */
  title: string;
  /** What one can do here, as the end of “Sign in to …”. */
  purpose: string;
  children: ReactNode;
}

/** Shows a page to those whose key has a scope, and tells others how to get there. */
export function SignedIn({ scope, title, purpose, children }: SignedInProps) {
  const state = useSessionState();
  if (state.status === 'signed-in' && state.session.may(scope))
    return (
      <SessionContext.Provider key={state.session.apiKey?.id} value={state.session}>
        {children}
      </SessionContext.Provider>
    );
  return (
    <Page title={title}>
      {state.status === 'signed-in' ? (
        <WrongScope apiKey={state.session.apiKey} scope={scope} purpose={purpose} />
      ) : state.status === 'signed-out' ? (
        <SignInPanel purpose={purpose} ended={state.error} />
      ) : state.status === 'failed' ? (
        <LoadingFailed error={state.error} what="your account" retry={() => void sessions.check()} />
      ) : (
        <Loading what="your account" />
      )}
    </Page>
  );
}
