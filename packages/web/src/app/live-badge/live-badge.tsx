import { useLive } from '../../api/live.tsx';
import type { LiveStatus } from '../../api/live-store.ts';
import { useNow } from '../../components/time/use-now.ts';
import { formatAge } from '../../format/time.ts';
import styles from './live-badge.module.css';

const WORDS: Record<LiveStatus, string> = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Stale',
  offline: 'Offline',
  paused: 'Paused',
};

const MEANINGS: Record<LiveStatus, string> = {
  connecting: 'The connection is being opened.',
  live: 'What you see is up to date.',
  stale: 'Nothing arrives from the coordinator. This page keeps trying.',
  offline: 'Your device has no network. This page goes on when it is back.',
  paused: 'This page pauses while nobody looks at it.',
};

/** Says whether what is shown is up to date. */
export function LiveBadge() {
  const { status, updatedAt } = useLive();
  const now = useNow();
  const isOld = (status === 'stale' || status === 'offline') && updatedAt !== undefined;
  return (
    <span className={styles.badge} data-status={status} title={MEANINGS[status]} role="status">
      <span className={styles.dot} aria-hidden="true" />
      {WORDS[status]}
      {isOld ? <span className={styles.age}> · {formatAge(updatedAt, now)}</span> : null}
    </span>
  );
}
