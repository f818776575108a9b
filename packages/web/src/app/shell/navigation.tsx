import { Link } from '@tanstack/react-router';
import { Icon } from '../../components/icon/icon.tsx';
import { NAVIGATION } from '../../navigation.ts';
import icon from '../icon.svg';
import styles from './navigation.module.css';

export const Wordmark = () => (
  <Link to="/" className={styles.wordmark}>
    <img src={icon} width={22} height={22} alt="" />
    AITBC
  </Link>
);

/** Links to all pages, in groups. */
export function Navigation({ onNavigate }: { onNavigate?: () => void }) {
  return (
    <nav aria-label="Pages" className={styles.navigation}>
      {NAVIGATION.map(({ group, links }) => (
        <div key={group}>
          <h2 className={styles.group}>{group}</h2>
          <ul>
            {links.map(({ to, label, icon }) => (
              <li key={to}>
                <Link
                  to={to}
                  className={styles.link}
                  activeOptions={{ exact: to === '/', includeSearch: false }}
                  activeProps={{ className: styles.active }}
                  onClick={onNavigate}
                >
                  <Icon name={icon} /> {label}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
