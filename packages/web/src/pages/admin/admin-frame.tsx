import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Page } from '../../components/page/page.tsx';
import { SignedIn } from '../../session/signed-in.tsx';
import styles from './admin.module.css';

const SECTIONS = [
  ['/admin', 'State'],
  ['/admin/keys', 'Keys'],
  ['/admin/grants', 'Grants'],
  ['/admin/payouts', 'Payouts'],
  ['/admin/audit', 'Audit log'],
  ['/admin/configuration', 'Configuration'],
] as const;

interface AdminFrameProps {
  title: string;
  about: string;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page for administrators, with links to the others. */
export const AdminFrame = ({ title, about, actions, children }: AdminFrameProps) => (
  <Page title={title} about={about} actions={actions}>
    <nav className={styles.sections} aria-label="Administration">
      {SECTIONS.map(([to, label]) => (
        <Link
          key={to}
          to={to}
          className={styles.section}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ className: styles.active }}
        >
          {label}
        </Link>
      ))}
    </nav>
    {children}
  </Page>
);

/** Shows its content to keys with the scope admin. */
export const ForAdministrators = ({ title, children }: { title: string; children: ReactNode }) => (
  <SignedIn scope="admin" title={title} purpose="look after this coordinator">
    {children}
  </SignedIn>
);
