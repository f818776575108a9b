import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { COORDINATOR_URL, publicClient } from '../../api/client.ts';
import { Button } from '../../components/button/button.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Secret } from '../../components/secret/secret.tsx';
import { explain, Notice } from '../../components/states/states.tsx';
import { sessions } from '../../session/session-store.ts';
import styles from './join.module.css';

/** The token is in the fragment of the link, which browsers send to no server. */
const readToken = () => location.hash.slice(1);

/** The same for all tries of this page, so that a repeated one gets the same key. */
const makeNonce = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(32)), byte => byte.toString(16).padStart(2, '0')).join('');

/** Where the links of invitations lead. */
export function JoinPage() {
  const [token] = useState(readToken);
  return (
    <Page title="Join" about={`An invitation to an account at ${COORDINATOR_URL}.`}>
      {token === '' ? (
        <Notice icon="user" title="This link is not whole">
          The part behind # is missing. Copy the whole link that you were given, or ask for another one.
        </Notice>
      ) : (
        <Panel title="Your account and key">
          <Redemption token={token} />
        </Panel>
      )}
    </Page>
  );
}

function Redemption({ token }: { token: string }) {
  const [nonce] = useState(makeNonce);
  const navigate = useNavigate();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => publicClient.invitations.redeem(token, { nonce }),
  });
  const signIn = useMutation({
    mutationFn: (key: string) => sessions.signIn(key),
    onSuccess: () => void navigate({ to: '/playground' }),
  });
  if (data)
    return (
      <div className={styles.join}>
        <Secret value={data.key} what="key">
          Whoever has it can act for your account.
        </Secret>
        <p>It may: {data.scopes.join(', ')}.</p>
        {signIn.error ? <p role="alert">{explain(signIn.error)}</p> : null}
        <Button kind="primary" disabled={signIn.isPending} onClick={() => signIn.mutate(data.key)}>
          I saved it: sign in
        </Button>
      </div>
    );
  return (
    <div className={styles.join}>
      <p>You get an account with a balance of your own, and a key for programs and for this app.</p>
      {error ? (
        <p role="alert" className={styles.error}>
          {explain(error)} Ask whoever gave you the link for another one.
        </p>
      ) : null}
      <Button kind="primary" disabled={isPending} onClick={() => mutate()}>
        Join
      </Button>
    </div>
  );
}
