import type { ReactNode } from 'react';
import { Icon, type IconName } from '../icon/icon.tsx';
import type { Tone } from '../status/status.tsx';
import { FullTime } from '../time/time.tsx';
import styles from './timeline.module.css';

export interface TimelineStep {
  tone: Tone;
  title: string;
  /** When it was, if that is known. */
  at?: string | undefined;
  detail?: ReactNode;
}

const ICONS: Record<Tone, IconName> = { good: 'check', bad: 'cross', quiet: 'dash', waiting: 'clock' };

/** What happened to something, from the first to the last. */
export const Timeline = ({ steps }: { steps: readonly TimelineStep[] }) => (
  <ol className={styles.timeline}>
    {steps.map(({ tone, title, at, detail }) => (
      <li key={`${title} ${at}`} data-tone={tone}>
        <span className={styles.mark}>
          <Icon name={ICONS[tone]} size={12} />
        </span>
        <div>
          <h3>{title}</h3>
          {at === undefined ? null : (
            <p>
              <FullTime at={at} />
            </p>
          )}
          {detail ? <p>{detail}</p> : null}
        </div>
      </li>
    ))}
  </ol>
);
