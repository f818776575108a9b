import type { ReactNode } from 'react';
import styles from './facts.module.css';

/** Names and values of one thing. */
export const Facts = ({ children }: { children: ReactNode }) => <dl className={styles.facts}>{children}</dl>;

interface FactProps {
  name: string;
  /** What the name means, below it. */
  hint?: string;
  children: ReactNode;
}

export function Fact({ name, hint, children }: FactProps) {
  return (
    <div className={styles.fact}>
      <dt>
        {name}
        {hint === undefined ? null : <span className={styles.hint}>{hint}</span>}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
