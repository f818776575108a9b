import { Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { AccountButton } from '../account/account-button.tsx';
import { LiveBadge } from '../live-badge/live-badge.tsx';
import { SearchBox } from '../search/search-box.tsx';
import { ThemeToggle } from '../theme/theme-toggle.tsx';
import { MenuButton } from './menu-button.tsx';
import { Navigation, Wordmark } from './navigation.tsx';
import styles from './shell.module.css';

/** What surrounds every page: navigation, search, and whether the page is live. */
export function Shell() {
  const main = useFocusOnNavigation();
  return (
    <div className={styles.shell}>
      <a href="#main" className={styles.skip}>
        Skip to content
      </a>
      <aside className={styles.sidebar}>
        <Wordmark />
        <Navigation />
      </aside>
      <header className={styles.bar}>
        <MenuButton />
        <SearchBox />
        <div className={styles.tools}>
          <LiveBadge />
          <ThemeToggle />
          <AccountButton />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} className={styles.main}>
        <Outlet />
      </main>
    </div>
  );
}

/** Moves the focus to a new page, so that readers of screens begin there. */
function useFocusOnNavigation() {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}
