import { Link } from '@tanstack/react-router';
import { Icon } from '../icon/icon.tsx';
import { RawJson } from '../raw-json/raw-json.tsx';
import styles from './pager.module.css';

interface PagerProps {
  /** The cursor of this page. Undefined for the first. */
  cursor: string | undefined;
  /** The cursor of the next page. Null on the last. */
  next: string | null | undefined;
  /** How many items are on this page, and what they are called. */
  count: number;
  noun: string;
  /** What the coordinator answered, and where. */
  json?: { value: unknown; path: string };
  /** Where the cursor is in the URL, if a page has more than one list. */
  name?: 'cursor' | 'payouts';
}

/** Links to the first and the next page. The way back is the browser's. */
export function Pager({ cursor, next, count, noun, json, name = 'cursor' }: PagerProps) {
  if (cursor === undefined && !next && !json) return null;
  return (
    <nav className={styles.pager} aria-label="Pages of the list">
      <span>
        {count} {count === 1 ? noun.replace(/s$/, '') : noun}
      </span>
      <div className={styles.links}>
        {json ? <RawJson {...json} /> : null}
        {cursor === undefined ? null : (
          <Link
            to="."
            search={(before: Record<string, unknown>) => ({ ...before, [name]: undefined })}
            className={styles.link}
          >
            First page
          </Link>
        )}
        {next ? (
          <Link
            to="."
            search={(before: Record<string, unknown>) => ({ ...before, [name]: next })}
            className={styles.link}
            rel="next"
          >
            Next page <Icon name="right" size={14} />
          </Link>
        ) : null}
      </div>
    </nav>
  );
}
