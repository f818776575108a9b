import { CopyButton } from '../copy-button/copy-button.tsx';
import styles from './secret.module.css';

interface SecretProps {
  value: string;
  /** What it is, for the copy button: `key`. */
  what: string;
  /** What to do with it. */
  children: string;
}

/** A secret that no later answer shows. */
export const Secret = ({ value, what, children }: SecretProps) => (
  <div className={styles.secret} role="status">
    <p>
      <strong>Save it now: it is shown only once.</strong> {children}
    </p>
    <p className={styles.value}>
      <code>{value}</code>
      <CopyButton text={value} what={what} />
    </p>
  </div>
);
