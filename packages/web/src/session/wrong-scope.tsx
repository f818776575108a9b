import type { ApiKey, Scope } from '@aitbc/sdk';
import { Button } from '../components/button/button.tsx';
import { Notice } from '../components/states/states.tsx';
import { sessions } from './session-store.ts';
import { SignInPanel } from './sign-in-panel.tsx';

interface WrongScopeProps {
  /** Null where the coordinator asks for no key. */
  apiKey: ApiKey | null;
  scope: Scope;
  purpose: string;
}

/** Where a key lacks the scope that a page needs: what it has, and how to get the other. */
export function WrongScope({ apiKey, scope, purpose }: WrongScopeProps) {
  if (apiKey === null) return <SignInPanel purpose={purpose} scope={scope} />;
  const { name, scopes } = apiKey;
  return (
    <Notice
      icon="key"
      title={`To ${purpose}, a key needs the scope ${scope}`}
      action={<Button onClick={() => sessions.signOut()}>Sign in with another key</Button>}
    >
      Yours{name === null ? '' : `, “${name}”,`} has: {scopes.join(', ')}. Ask whoever gave it to you for one
      with the scope {scope}.
    </Notice>
  );
}
