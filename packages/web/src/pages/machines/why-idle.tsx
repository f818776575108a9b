import type { MinerDetail } from '@aitbc/sdk';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { formatCount } from '../../format/numbers.ts';

/** Why a machine gets the jobs that it gets, and why not the others. */
export function WhyIdle({ machine: { workload, running } }: { machine: MinerDetail }) {
  const { reason, runnable, blocked } = workload;
  const kinds = [...runnable, ...blocked];
  return (
    <Panel title="Why it gets what it gets" flush>
      {kinds.length === 0 ? (
        <Notice icon="check" title={running > 0 ? 'It works' : 'It has nothing to do'}>
          {reason ?? 'No jobs are pending.'}
        </Notice>
      ) : (
        <Facts>
          <Fact name="Now">{reason ?? 'It gets jobs as soon as it has room.'}</Fact>
          {kinds.map(({ model, pending, reason }) => (
            <Fact key={`${model} ${reason}`} name={model} hint={`${formatCount(pending)} waiting`}>
              {reason === null ? <Status tone="good">this machine can run it</Status> : reason}
            </Fact>
          ))}
        </Facts>
      )}
    </Panel>
  );
}
