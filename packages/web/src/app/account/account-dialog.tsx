import type { ApiKey } from '@aitbc/sdk';
import { useState } from 'react';
import { Button } from '../../components/button/button.tsx';
import { Modal } from '../../components/dialog/dialog.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Id } from '../../components/id/id.tsx';
import { Loading, LoadingFailed } from '../../components/states/states.tsx';
import { formatCredits } from '../../format/numbers.ts';
import { formatUtc } from '../../format/time.ts';
import { type Session, sessions } from '../../session/session-store.ts';
import { SignInForm } from '../../session/sign-in-form.tsx';
import { useAccount, useSessionState } from '../../session/use-session.ts';
import styles from './account.module.css';

interface AccountDialogProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
}

function AccountDialog({ isOpen, onOpenChange }: AccountDialogProps) {
  const state = useSessionState();
  const isSignedIn = state.status === 'signed-in';
  const [wantsKey, setWantsKey] = useState(false);
  const close = () => {
    setWantsKey(false);
    onOpenChange(false);
  };
  return (
    <Modal
      title={isSignedIn && !wantsKey ? 'Account' : 'Sign in'}
      isOpen={isOpen}
      onOpenChange={open => (open ? onOpenChange(true) : close())}
    >
      {wantsKey || state.status === 'signed-out' ? (
        <div className={styles.content}>
          <SignInForm onDone={close} />
        </div>
      ) : isSignedIn ? (
        <AccountFacts session={state.session} close={close} useKey={() => setWantsKey(true)} />
      ) : state.status === 'failed' ? (
        <LoadingFailed error={state.error} what="your account" retry={() => void sessions.check()} />
      ) : (
        <Loading what="your account" lines={3} />
      )}
    </Modal>
  );
}

interface AccountFactsProps {
  session: Session;
  close: () => void;
  useKey: () => void;
}

function AccountFacts({ session, close, useKey }: AccountFactsProps) {
  const account = useAccount(session);
  const { apiKey } = session;
  return (
    <>
      <Facts>
        <Fact name="Account">
          <Id value={account.address} what="address" to="/addresses/$id" />
        </Fact>
        <Fact name="Balance">
          {formatCredits(account.balance)} <span className="muted">credits, {account.billing}</span>
        </Fact>
        {account.billing === 'prepaid' ? (
          <Fact name="Available" hint="less what unfinished jobs may cost">
            {formatCredits(account.available)}
          </Fact>
        ) : null}
        {apiKey ? <KeyFacts apiKey={apiKey} /> : null}
      </Facts>
      <div className={styles.end}>
        {apiKey ? (
          <>
            <span>The key stays in this tab only.</span>
            <Button
              onClick={() => {
                sessions.signOut();
                close();
              }}
            >
              Sign out
            </Button>
          </>
        ) : (
          <>
            <span>This coordinator asks for no key: all who reach it share this account.</span>
            <Button onClick={useKey}>Use a key</Button>
          </>
        )}
      </div>
    </>
  );
}

function KeyFacts({ apiKey: { name, id, scopes, budget, expires_at } }: { apiKey: ApiKey }) {
  return (
    <>
      <Fact name="Key">
        {name ?? ''} <Id value={id} what="key id" />
      </Fact>
      <Fact name="Scopes">{scopes.join(', ')}</Fact>
      {budget ? (
        <Fact name="Budget" hint="spent of what the key may spend">
          {(['day', 'month', 'total'] as const)
            .flatMap(period => {
              const limit = budget[period];
              const when = period === 'total' ? 'in all' : `this ${period}`;
              return limit === null
                ? []
                : [`${formatCredits(budget.spent[period])} of ${formatCredits(limit)} ${when}`];
            })
            .join(', ')}
        </Fact>
      ) : null}
      {expires_at === null ? null : <Fact name="Expires">{formatUtc(Date.parse(expires_at))}</Fact>}
    </>
  );
}

// biome-ignore lint/style/noDefaultExport: `lazy` asks for it.
export default AccountDialog;
