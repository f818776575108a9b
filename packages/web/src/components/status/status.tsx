import { Icon, type IconName } from '../icon/icon.tsx';
import styles from './status.module.css';

/** How something is doing. Each has an icon of its own, since not everybody tells colours apart. */
export type Tone = 'good' | 'bad' | 'quiet' | 'waiting';

const ICONS: Record<Tone, IconName> = { good: 'check', bad: 'cross', quiet: 'dash', waiting: 'clock' };

export function Status({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={`${styles.status} ${styles[tone]}`}>
      <Icon name={ICONS[tone]} size={12} />
      {children}
    </span>
  );
}
