import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { publicClient } from '../../api/client.ts';
import { Button } from '../../components/button/button.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Verification } from '../../components/verification/verification.tsx';
import { readClaim } from '../../verify/claim.ts';
import { readLedgerTrust } from '../../verify/remembered-trust.ts';
import { type Trust, verifyClaim } from '../../verify/verify-claim.ts';
import { TrustedKeys } from './trusted-keys.tsx';
import styles from './verify-page.module.css';

const MAX_BYTES = 1_000_000;

/** Verifies a receipt or a proof file that the visitor brings along. */
export function VerifyPage() {
  const [text, setText] = useState('');
  const file = useRef<HTMLInputElement>(null);
  const trust = useQuery({
    queryKey: ['trust'],
    queryFn: () => readLedgerTrust(publicClient),
    staleTime: 60_000,
  });
  const read = async (chosen: File | undefined) => {
    if (chosen && chosen.size <= MAX_BYTES) setText(await chosen.text());
  };
  return (
    <Page
      title="Verify"
      about="Paste a receipt, a grant, a payout or a .tlog-proof file. Your browser checks it; nothing that you paste leaves it."
    >
      <Panel
        title="Receipt or proof"
        aside={
          <>
            <input
              ref={file}
              type="file"
              className="visually-hidden"
              tabIndex={-1}
              aria-label="File with a receipt or a proof"
              onChange={event => void read(event.currentTarget.files?.[0])}
            />
            <Button onClick={() => file.current?.click()}>Open a file</Button>
          </>
        }
        flush
      >
        <textarea
          className={styles.text}
          value={text}
          aria-label="Receipt or proof"
          placeholder="Paste the JSON of a receipt, or the text of a .tlog-proof file, or drop a file here."
          rows={12}
          spellCheck={false}
          onChange={event => setText(event.currentTarget.value)}
          onDragOver={event => event.preventDefault()}
          onDrop={event => {
            event.preventDefault();
            void read(event.dataTransfer?.files[0]);
          }}
        />
        {trust.data ? <Findings text={text} trust={trust.data} /> : null}
      </Panel>
      {trust.data ? (
        <TrustedKeys trust={trust.data} onChange={() => void trust.refetch()} />
      ) : trust.error ? (
        <LoadingFailed error={trust.error} what="the keys" retry={trust.refetch} />
      ) : (
        <Loading what="the keys" />
      )}
    </Page>
  );
}

/** Verifies at every change of the text. */
function Findings({ text, trust }: { text: string; trust: Trust }) {
  const { data, error } = useQuery({
    queryKey: ['verify', text, trust],
    queryFn: async () => await verifyClaim(readClaim(text), trust),
    enabled: text.trim() !== '',
    placeholderData: before => before,
  });
  if (text.trim() === '') return null;
  if (error)
    return (
      <Notice icon="alert" title="This is neither a receipt nor a proof" isAlarm>
        {error.message}
      </Notice>
    );
  if (!data)
    return (
      <p className={styles.working}>
        <Icon name="clock" /> Verifying
      </p>
    );
  return <Verification verdict={data} />;
}
