import { useLive } from '../../api/live.tsx';
import { Loading } from '../../components/states/states.tsx';
import { Queues } from '../overview/queues.tsx';
import { AdminFrame, ForAdministrators } from './admin-frame.tsx';
import { AdminMiners } from './admin-miners.tsx';
import { Problems } from './problems.tsx';

const TITLE = 'Administration';

export const AdminPage = () => (
  <ForAdministrators title={TITLE}>
    <State />
  </ForAdministrators>
);

function State() {
  const { overview } = useLive();
  return (
    <AdminFrame title={TITLE} about="What needs your attention, what waits, and who works.">
      <Problems />
      {overview ? <Queues queues={overview.queues} /> : <Loading what="the queues" lines={3} />}
      <AdminMiners />
    </AdminFrame>
  );
}
