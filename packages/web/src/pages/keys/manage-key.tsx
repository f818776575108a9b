import type { ApiKey } from '@aitbc/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Id } from '../../components/id/id.tsx';
import { Secret } from '../../components/secret/secret.tsx';
import { explain } from '../../components/states/states.tsx';
import { formatUtc } from '../../format/time.ts';
import { useSession } from '../../session/use-session.ts';
import { EditKey } from './edit-key.tsx';
import { describeBudget } from './key-columns.tsx';
import styles from './keys.module.css';

/** For how long the old secret goes on, so that programs can change over. */
const OVERLAP_SECONDS = 3_600;

/** A key, with a new secret or without any. */
export function ManageKey({ apiKey, isOwn }: { apiKey: ApiKey; isOwn: boolean }) {
  const { client } = useSession();
  const queries = useQueryClient();
  const { id, scopes, expires_at, revoked_at, allowed_models } = apiKey;
  const settled = () => queries.invalidateQueries({ queryKey: [OWN, 'keys'] });
  const rotate = useMutation({
    mutationFn: () => client.apiKeys.rotate(id, { old_valid_seconds: OVERLAP_SECONDS }),
    onSettled: settled,
  });
  const revoke = useMutation({ mutationFn: () => client.apiKeys.revoke(id), onSettled: settled });
  const error = rotate.error ?? revoke.error;
  const [isEditing, setIsEditing] = useState(false);
  if (isEditing) return <EditKey apiKey={apiKey} onDone={() => setIsEditing(false)} />;
  return (
    <>
      <Facts>
        <Fact name="Id">
          <Id value={id} what="key id" />
        </Fact>
        <Fact name="Scopes">{scopes.join(', ')}</Fact>
        <Fact name="Budget">{describeBudget(apiKey.budget)}</Fact>
        <Fact name="Models">{allowed_models === null ? 'all' : allowed_models.join(', ')}</Fact>
        <Fact name="Expires">{expires_at === null ? 'never' : formatUtc(Date.parse(expires_at))}</Fact>
      </Facts>
      <div className={styles.about}>
        {rotate.data ? (
          <Secret value={rotate.data.key} what="key">
            The old secret goes on for an hour.
          </Secret>
        ) : null}
        {error ? (
          <p role="alert" className={styles.error}>
            {explain(error)}
          </p>
        ) : null}
        {revoked_at === null ? (
          <>
            {isOwn ? (
              <p className="muted">This tab is signed in with this key: revoking it signs you out.</p>
            ) : null}
            <div className={styles.buttons}>
              <Button onClick={() => setIsEditing(true)}>Change</Button>
              <Button disabled={rotate.isPending} onClick={() => rotate.mutate()}>
                Give it a new secret
              </Button>
              <Button kind="danger" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
                Revoke
              </Button>
            </div>
          </>
        ) : (
          <p>It was revoked at {formatUtc(Date.parse(revoked_at))}. Create another one in its place.</p>
        )}
      </div>
    </>
  );
}
