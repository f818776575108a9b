import type { MinerDay } from '@aitbc/sdk';
import { formatPercent } from '../../format/numbers.ts';
import styles from './availability-bar.module.css';

type Day = Pick<MinerDay, 'day' | 'availability'>;

/** A bar for each day: how much of it somebody was there. */
export function AvailabilityBar({ days }: { days: readonly Day[] }) {
  return (
    <div className={styles.availability}>
      <div className={styles.days} role="img" aria-label={summarize(days)}>
        {days.map(({ day, availability }) => (
          <span
            key={day}
            className={styles.day}
            data-level={levelOf(availability)}
            title={`${day}: ${availability === null ? 'not known' : formatPercent(availability)}`}
          />
        ))}
      </div>
      <div className={styles.ends}>
        <span>{days.length} days ago</span>
        <span>{summarize(days)}</span>
        <span>today</span>
      </div>
    </div>
  );
}

function levelOf(availability: number | null): 'unknown' | 'full' | 'most' | 'some' | 'none' {
  if (availability === null) return 'unknown';
  if (availability >= 0.99) return 'full';
  if (availability >= 0.9) return 'most';
  return availability > 0 ? 'some' : 'none';
}

function summarize(days: readonly Day[]): string {
  const known = days.flatMap(({ availability }) => availability ?? []);
  if (known.length === 0) return 'nothing known yet';
  const share = known.reduce((sum, one) => sum + one, 0) / known.length;
  return `${formatPercent(share)} over ${known.length} ${known.length === 1 ? 'day' : 'days'}`;
}
