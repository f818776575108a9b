import { formatCount } from '../../format/numbers.ts';
import styles from './progress.module.css';

interface ProgressProps {
  /** What advances, for readers of screens. */
  label: string;
  done: number;
  failed: number;
  total: number;
}

/** How much of something is done. What failed has a pattern of its own. */
export function Progress({ label, done, failed, total }: ProgressProps) {
  const share = (count: number) => (total === 0 ? 0 : (count / total) * 100);
  return (
    <span className={styles.progress}>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={label}>
        <rect width={100} height={6} className={styles.rest} />
        <rect width={share(done)} height={6} className={styles.done} />
        <rect x={share(done)} width={share(failed)} height={6} className={styles.failed} />
      </svg>
      <span>
        {formatCount(done)} of {formatCount(total)}
        {failed > 0 ? `, ${formatCount(failed)} failed` : ''}
      </span>
    </span>
  );
}
