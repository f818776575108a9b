import type { Overview } from '@aitbc/sdk';
import { Panel } from '../../components/panel/panel.tsx';
import { formatCount } from '../../format/numbers.ts';
import styles from './miners-now.module.css';

interface MinersNowProps {
  miners: Overview['miners'];
  running: number;
}

/** The miners by state, and how busy those are that take jobs. */
export function MinersNow({ miners, running }: MinersNowProps) {
  const { taking_jobs, not_taking_jobs, offline, slots } = miners;
  const parts = [
    { name: 'Taking jobs', count: taking_jobs, style: styles.taking },
    { name: 'Draining or suspended', count: not_taking_jobs, style: styles.resting },
    { name: 'Offline', count: offline, style: styles.offline },
  ];
  const busy = slots === 0 ? 0 : Math.min(running / slots, 1);
  return (
    <Panel title="Miners">
      <div className={styles.parts}>
        <div className={styles.bar} aria-hidden="true">
          {parts
            .filter(({ count }) => count > 0)
            .map(({ name, count, style }) => (
              <span key={name} className={style} style={{ flexGrow: count }} />
            ))}
        </div>
        <dl className={styles.names}>
          {parts.map(({ name, count, style }) => (
            <div key={name}>
              <dt>
                <span className={`${styles.swatch} ${style}`} aria-hidden="true" />
                {name}
              </dt>
              <dd>{formatCount(count)}</dd>
            </div>
          ))}
          <div>
            <dt>Places in use</dt>
            <dd>
              {formatCount(Math.min(running, slots))} <span className="muted">of {formatCount(slots)}</span>
            </dd>
          </div>
        </dl>
        <div className={styles.bar} aria-hidden="true">
          <span className={styles.taking} style={{ flexGrow: busy }} />
          <span className={styles.free} style={{ flexGrow: 1 - busy }} />
        </div>
      </div>
    </Panel>
  );
}
