import { useLive } from '../../api/live.tsx';
import { Columns, Page } from '../../components/page/page.tsx';
import { Loading } from '../../components/states/states.tsx';
import { Figures } from './figures.tsx';
import { Join } from './join.tsx';
import { MinersNow } from './miners-now.tsx';
import { NetworkState } from './network-state.tsx';
import { NewestBlocks, NewestTransactions } from './newest.tsx';
import { Queues } from './queues.tsx';
import { JobsChart, TokensChart } from './rate-charts.tsx';

/** What this is, how to join, and what happens right now. */
export function OverviewPage() {
  const { overview } = useLive();
  return (
    <Page
      title="AI models on other people’s GPUs, with receipts"
      name="Overview"
      actions={overview && <NetworkState overview={overview} />}
      about="Send a prompt; a machine somewhere runs it. Each finished job leaves a signed receipt in a public ledger, which your own browser can verify."
    >
      <Join />
      {overview ? (
        <>
          <Figures overview={overview} />
          <Columns>
            <JobsChart rates={overview.rates} />
            <TokensChart rates={overview.rates} />
          </Columns>
          <Columns>
            <Queues queues={overview.queues} />
            <MinersNow miners={overview.miners} running={overview.stats.running_jobs} />
          </Columns>
          <Columns>
            <NewestTransactions transactions={overview.transactions} />
            <NewestBlocks blocks={overview.blocks} />
          </Columns>
        </>
      ) : (
        <Loading what="the state of the network" lines={10} />
      )}
    </Page>
  );
}
