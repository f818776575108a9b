import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { Field } from '../../components/field/field.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { explain } from '../../components/states/states.tsx';
import { formatBytes, formatCount } from '../../format/numbers.ts';
import { useSession } from '../../session/use-session.ts';
import styles from './batches.module.css';
import { type ExaminedLines, examineLines } from './examine-lines.ts';

/** Larger files are checked by the coordinator only. */
const MAX_EXAMINED_BYTES = 50_000_000;

const WINDOWS = ['24h', '48h', '7d', '30d'];

interface Chosen {
  file: File;
  examined: ExaminedLines | undefined;
}

async function examine(file: File): Promise<Chosen> {
  return { file, examined: file.size <= MAX_EXAMINED_BYTES ? examineLines(await file.text()) : undefined };
}

/** Takes a file of requests, shows what is wrong with which line, and makes a batch of it. */
export function NewBatch() {
  const [chosen, setChosen] = useState<Chosen>();
  const [window, setWindow] = useState('24h');
  const input = useRef<HTMLInputElement>(null);
  const take = async (file: File | undefined) => {
    if (file) setChosen(await examine(file));
  };
  return (
    <Panel title="New batch">
      <section
        className={styles.drop}
        aria-label="File"
        onDragOver={event => event.preventDefault()}
        onDrop={event => {
          event.preventDefault();
          void take(event.dataTransfer?.files[0]);
        }}
      >
        <p>
          A file of JSON lines, with a request in each:{' '}
          <code>{'{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {…}}'}</code>
        </p>
        <input
          ref={input}
          type="file"
          accept=".jsonl,.ndjson,application/jsonl"
          className="visually-hidden"
          tabIndex={-1}
          aria-label="File of requests"
          onChange={event => void take(event.currentTarget.files?.[0])}
        />
        <Button onClick={() => input.current?.click()}>
          <Icon name="upload" /> Choose a file
        </Button>
      </section>
      {chosen ? <Submission chosen={chosen} window={window} onWindow={setWindow} /> : null}
    </Panel>
  );
}

interface SubmissionProps {
  chosen: Chosen;
  window: string;
  onWindow: (window: string) => void;
}

function Submission({ chosen: { file, examined }, window, onWindow }: SubmissionProps) {
  const { client } = useSession();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { mutate, error, isPending } = useMutation({
    mutationFn: async () => {
      const { id } = await client.files.create({ file });
      const endpoint = examined?.endpoint ?? '/v1/chat/completions';
      return await client.batches.create({ endpoint, input_file_id: id, completion_window: window });
    },
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: [OWN, 'batches'] });
      void navigate({ to: '/batches/$id', params: { id } });
    },
  });
  const faults = examined?.faults ?? [];
  return (
    <div className={styles.submission}>
      <p>
        <strong>{file.name}</strong>{' '}
        <span className="muted">
          {formatBytes(file.size)}
          {examined ? `, ${formatCount(examined.requests)} requests` : ''}
        </span>
      </p>
      {examined?.requests === 0 ? <p role="alert">This file has no requests.</p> : null}
      {faults.length > 0 ? (
        <div role="alert" className={styles.faults}>
          <p>
            {faults.length === 1 ? 'One line can’t be used' : `${faults.length} lines can’t be used`}. Mend
            the file and choose it again.
          </p>
          <ol>
            {faults.map(({ line, message }) => (
              <li key={`${line} ${message}`}>
                <strong>Line {line}</strong> {message}
              </li>
            ))}
          </ol>
        </div>
      ) : null}
      {error ? (
        <p role="alert" className={styles.error}>
          {explain(error)}
        </p>
      ) : null}
      <div className={styles.actions}>
        <Field label="Answer within">
          {props => (
            <select {...props} value={window} onChange={event => onWindow(event.currentTarget.value)}>
              {WINDOWS.map(each => (
                <option key={each}>{each}</option>
              ))}
            </select>
          )}
        </Field>
        <Button
          kind="primary"
          disabled={isPending || faults.length > 0 || examined?.requests === 0}
          onClick={() => mutate()}
        >
          {isPending ? 'Uploading' : 'Start the batch'}
        </Button>
      </div>
    </div>
  );
}
