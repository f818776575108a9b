import { type ReactNode, useEffect } from 'react';
import styles from './page.module.css';

interface PageProps {
  title: ReactNode;
  /** The title of the window, if it differs. */
  name?: string;
  /** One sentence about what is here. */
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** The content of a page, below its heading. */
export function Page({ title, name, about, actions, children }: PageProps) {
  const windowTitle = name ?? String(title);
  useEffect(() => {
    document.title = `${windowTitle} · AITBC`;
  }, [windowTitle]);
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <div className={styles.words}>
          <h1>{title}</h1>
          {about === undefined ? null : <p className={styles.about}>{about}</p>}
        </div>
        {actions === undefined ? null : <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** Parts side by side where there is room. */
export const Columns = ({ children }: { children: ReactNode }) => (
  <div className={styles.columns}>{children}</div>
);
