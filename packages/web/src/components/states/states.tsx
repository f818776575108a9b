import { ConnectionError, isCoordinatorError, TimeoutError } from '@aitbc/sdk';
import type { ReactNode } from 'react';
import { Button } from '../button/button.tsx';
import { Icon, type IconName } from '../icon/icon.tsx';
import styles from './states.module.css';

interface NoticeProps {
  icon: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  isAlarm?: boolean;
}

/** Says what is the case in place of content, and what can be done. */
export function Notice({ icon, title, children, action, isAlarm = false }: NoticeProps) {
  return (
    <div className={`${styles.notice} ${isAlarm ? styles.alarm : ''}`} role={isAlarm ? 'alert' : undefined}>
      <Icon name={icon} size={20} />
      <p className={styles.title}>{title}</p>
      {children === undefined ? null : <div className={styles.text}>{children}</div>}
      {action}
    </div>
  );
}

/** Lines in place of content that is on its way. They appear only when it takes a moment. */
export function Loading({ lines = 6, what }: { lines?: number; what: string }) {
  return (
    <div className={styles.loading} role="status">
      <span className="visually-hidden">Loading {what}</span>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className={styles.line} aria-hidden="true" />
      ))}
    </div>
  );
}

/** Says why something could not be loaded. */
export function LoadingFailed({ error, what, retry }: { error: unknown; what: string; retry: () => void }) {
  return (
    <Notice
      icon="alert"
      title={`Could not load ${what}`}
      isAlarm
      action={<Button onClick={retry}>Try again</Button>}
    >
      {explain(error)}
    </Notice>
  );
}

/** Says in words what went wrong with a request. */
export function explain(error: unknown): string {
  if (isCoordinatorError(error)) return error.message;
  if (error instanceof TimeoutError) return 'The coordinator did not answer in time. It may be busy.';
  if (error instanceof ConnectionError)
    return navigator.onLine
      ? 'The coordinator can not be reached. It may be starting again; this page keeps trying.'
      : 'Your device is offline. This page loads when it is back.';
  return error instanceof Error ? error.message : String(error);
}
