import { Link, type LinkProps } from '@tanstack/react-router';
import { shortId } from '../../format/ids.ts';
import { CopyButton } from '../copy-button/copy-button.tsx';
import styles from './id.module.css';

interface IdProps {
  value: string;
  /** What it names, for the copy button: `hash`. */
  what: string;
  /** Where the id leads. */
  to?: LinkProps['to'];
  params?: Record<string, string>;
  /** Whether it is shown whole where there is room. */
  whole?: boolean;
  ends?: number;
}

/** An id in monospace, shortened in the middle, whole on hover, with a button that copies it. */
export function Id({ value, what, to, params, whole = false, ends }: IdProps) {
  const text = whole ? value : shortId(value, ends);
  const link = { to, params: params ?? { id: value } } as LinkProps;
  return (
    <span className={`${styles.id} ${whole ? styles.whole : ''}`}>
      {to === undefined ? (
        <code title={value}>{text}</code>
      ) : (
        <Link {...link} title={value}>
          <code>{text}</code>
        </Link>
      )}
      <CopyButton text={value} what={what} />
    </span>
  );
}
