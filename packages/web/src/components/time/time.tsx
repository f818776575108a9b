import { formatAge, formatUtc } from '../../format/time.ts';
import { useNow } from './use-now.ts';

/** How long ago something was. The time in UTC is shown on hover. */
export function Time({ at }: { at: string | number }) {
  const now = useNow();
  const time = typeof at === 'number' ? at : Date.parse(at);
  return (
    <time dateTime={new Date(time).toISOString()} title={formatUtc(time)}>
      {formatAge(Math.min(time, now), now)}
    </time>
  );
}

/** The time in UTC, with how long ago it was. */
export function FullTime({ at }: { at: string | number }) {
  const time = typeof at === 'number' ? at : Date.parse(at);
  return (
    <>
      {formatUtc(time)}{' '}
      <span className="muted">
        (<Time at={time} />)
      </span>
    </>
  );
}
