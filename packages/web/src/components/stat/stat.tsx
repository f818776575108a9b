import type { ReactNode } from 'react';
import styles from './stat.module.css';

interface StatProps {
  label: string;
  value: ReactNode;
  /** What the value is compared with, or made of. */
  detail?: ReactNode;
}

/** A row of figures. */
export const Stats = ({ children }: { children: ReactNode }) => <dl className={styles.stats}>{children}</dl>;

export function Stat({ label, value, detail }: StatProps) {
  return (
    <div className={styles.stat}>
      <dt>{label}</dt>
      <dd className={styles.value}>{value}</dd>
      {detail === undefined ? null : <dd className={styles.detail}>{detail}</dd>}
    </div>
  );
}
