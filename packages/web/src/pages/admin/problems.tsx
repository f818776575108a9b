import type { OperatorProblem } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { Time } from '../../components/time/time.tsx';
import { useSession } from '../../session/use-session.ts';
import styles from './admin.module.css';

/** Problems come and go by themselves, too. */
const LOOK_AGAIN_MS = 10_000;

/** What is wrong now, the worst first, and what to do about each. */
export function Problems() {
  const { client } = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'problems'],
    queryFn: ({ signal }) => client.operator.problems({ signal }),
    refetchInterval: LOOK_AGAIN_MS,
    meta: { live: 'slow' },
  });
  return (
    <Panel title="What is wrong now" flush>
      {error ? (
        <LoadingFailed
          error={error}
          what="what is wrong: the coordinator or its database may be"
          retry={refetch}
        />
      ) : !data ? (
        <Loading what="what is wrong" lines={3} />
      ) : data.length === 0 ? (
        <Notice icon="check" title="Nothing is wrong">
          Every model that jobs wait for has a miner, the ledger is published, and all parts work.
        </Notice>
      ) : (
        <ul>
          {data.map(problem => (
            <Problem key={`${problem.kind} ${problem.subject}`} problem={problem} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Problem({
  problem: { kind, severity, subject, since, detail, advice },
}: {
  problem: OperatorProblem;
}) {
  return (
    <li className={styles.problem}>
      <div className={styles.what}>
        <Status tone={severity === 'alarm' ? 'bad' : 'waiting'}>{severity}</Status>
        <strong>{detail}</strong>
        {since === null ? null : (
          <span className="muted">
            since <Time at={since} />
          </span>
        )}
      </div>
      <p className={styles.advice}>
        {advice}{' '}
        {subject === null ? null : kind.startsWith('MINER') ? (
          <Link to="/miners/$id" params={{ id: subject }}>
            Look at {subject}
          </Link>
        ) : kind === 'OLD_JOBS' ? (
          <Link to="/miners" search={{ model: subject }}>
            Its miners
          </Link>
        ) : null}
      </p>
    </li>
  );
}
