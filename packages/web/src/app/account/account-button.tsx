import { lazy, Suspense, useEffect, useState } from 'react';
import { Button } from '../../components/button/button.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { formatLarge } from '../../format/numbers.ts';
import { type Session, sessions } from '../../session/session-store.ts';
import { useAccount, useSessionState } from '../../session/use-session.ts';
import styles from './account.module.css';

const AccountDialog = lazy(() => import('./account-dialog.tsx'));

/** Says whether somebody is signed in, and opens their account, or the form to sign in. */
export function AccountButton() {
  const state = useSessionState();
  const [isOpen, setIsOpen] = useState(false);
  const [wasOpened, setWasOpened] = useState(false);
  const isUnknown = state.status === 'unknown';
  useEffect(() => {
    if (isUnknown) void sessions.check();
  }, [isUnknown]);
  return (
    <>
      <Button
        className={styles.button}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        onClick={() => {
          if (state.status === 'failed') void sessions.check();
          setWasOpened(true);
          setIsOpen(true);
        }}
      >
        <Icon name="user" />
        {state.status === 'signed-in' ? (
          <>
            <span className="visually-hidden">Account with</span>
            <Balance session={state.session} />
          </>
        ) : (
          <span className={styles.words}>{state.status === 'signed-out' ? 'Sign in' : 'Account'}</span>
        )}
      </Button>
      {wasOpened ? (
        <Suspense>
          <AccountDialog isOpen={isOpen} onOpenChange={setIsOpen} />
        </Suspense>
      ) : null}
    </>
  );
}

function Balance({ session }: { session: Session }) {
  const { balance } = useAccount(session);
  return (
    <>
      {formatLarge(balance)} <span className={styles.words}>credits</span>
    </>
  );
}
