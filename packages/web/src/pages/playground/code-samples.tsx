import { COORDINATOR_URL } from '../../api/client.ts';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { Tabbed } from '../../components/tabs/tabs.tsx';
import { type ConversationState, jobFor } from './conversation.ts';
import styles from './playground.module.css';
import { samplesOf } from './samples.ts';

interface CodeSamplesProps extends Pick<ConversationState, 'turns' | 'parameters'> {
  model: string;
}

/** The last question, or an example before there is one, as programs that ask the same. */
export function CodeSamples({ model, turns, parameters }: CodeSamplesProps) {
  const last = turns.at(-1);
  const question = last?.question ?? 'What is 6 times 7?';
  const job = jobFor(model, question, { turns: turns.slice(0, -1), parameters });
  return (
    <details className={styles.panel} open>
      <summary>The same call as code</summary>
      <Tabbed
        label="Languages"
        tabs={samplesOf(COORDINATOR_URL, job).map(({ name, needs, code }) => ({
          name,
          content: (
            <>
              <p className={styles.needs}>
                <span>
                  {needs} Your key is read from <code>AITBC_API_KEY</code>.
                </span>
                <CopyButton text={code} what={`sample for ${name}`} />
              </p>
              <section
                className={styles.code}
                // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines must be scrollable by keyboard.
                tabIndex={0}
                aria-label={`Sample for ${name}`}
              >
                <pre>{code}</pre>
              </section>
            </>
          ),
        }))}
      />
    </details>
  );
}
