import type { Job } from '@aitbc/sdk';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { Markdown } from '../../components/markdown/markdown.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import styles from './job.module.css';

/** What was asked, and what was answered. */
export function JobTexts({ job }: { job: Job }) {
  if (job.erased_at !== null)
    return (
      <Panel title="Texts">
        <p className="muted">Prompt and result were erased because of their age.</p>
      </Panel>
    );
  const asked = questionOf(job);
  return (
    <>
      {job.result === null ? null : (
        <Panel title="Result" aside={<CopyButton text={job.result} what="result" />}>
          {job.result_type === undefined || job.result_type === 'text' ? (
            <Markdown text={job.result} />
          ) : (
            <Text label="Text of the result">{job.result}</Text>
          )}
        </Panel>
      )}
      <Panel title="Prompt" aside={<CopyButton text={asked} what="prompt" />}>
        <Text label="Text of the prompt">{asked}</Text>
      </Panel>
    </>
  );
}

function questionOf({ prompt, messages, input }: Job): string {
  if (messages) return JSON.stringify(messages, null, 2);
  if (input !== undefined) return JSON.stringify(input, null, 2);
  return prompt ?? '';
}

const Text = ({ label, children }: { label: string; children: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: long texts must be scrollable by keyboard.
  <section className={styles.text} tabIndex={0} aria-label={label}>
    <pre>{children}</pre>
  </section>
);
