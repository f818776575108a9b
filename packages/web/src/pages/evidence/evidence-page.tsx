import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { DataTable } from '../../components/data-table/data-table.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Filter } from '../../components/filter/filter.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { pathOf } from '../../format/paths.ts';
import { EVIDENCE_COLUMNS } from './evidence-columns.tsx';
import { JudgementMark } from './judgement.tsx';

const route = getRouteApi('/evidence');

/** What is known of miners by answers that verifiers with the same weights have read. */
export function EvidencePage() {
  const { miner, cursor } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page
      title="Evidence"
      about="Did the model that was asked for write the answers? Verifiers with the same weights read some of them again."
      actions={<Link to="/verifications">All verifications</Link>}
    >
      <Panel
        title="Miners and their passports"
        aside={
          <Filter
            label="Miner"
            placeholder="name"
            value={miner}
            onChange={value =>
              void navigate({ search: before => ({ ...before, cursor: undefined, miner: value }) })
            }
          />
        }
        flush
      >
        <Board miner={miner} cursor={cursor} />
      </Panel>
      <Meanings />
    </Page>
  );
}

function Board({ miner, cursor }: { miner: string | undefined; cursor: string | undefined }) {
  const query = { limit: 50, ...(miner && { miner }), ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: ['evidence', query],
    queryFn: ({ signal }) => publicClient.evidence.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: 'slow' },
  });
  if (error && !data) return <LoadingFailed error={error} what="the evidence" retry={refetch} />;
  if (!data) return <Loading what="evidence" lines={8} />;
  if (data.items.length === 0)
    return (
      <Notice icon="evidence" title={miner ? 'No answer of this miner was read' : 'No answer was read yet'}>
        The operator of a network turns this on: with <code>--verify-share 0.02</code>, one answer in fifty is
        read again by a verifier, which is <code>aitbc miner --verify --gguf MODEL.gguf</code> with the same
        weights as the miners and a key of the scope <code>verifier</code>.
      </Notice>
    );
  return (
    <>
      <DataTable
        caption="Evidence by miner and passport"
        columns={EVIDENCE_COLUMNS}
        rows={data.items}
        rowKey={({ miner_id, passport }) => `${miner_id} ${passport}`}
      />
      <Pager
        cursor={cursor}
        next={data.cursor}
        count={data.items.length}
        noun="records"
        json={{ value: data.items, path: pathOf('/v1/evidence', query) }}
      />
    </>
  );
}

/** What the words of the board mean, and what they do not. */
const Meanings = () => (
  <Panel title="What this says, and what it does not" flush>
    <Facts>
      <Fact name="What it finds">
        Over some dozens of answers, it exposes other models, coarse quantizations, shortened prompts, replays
        and invented text.
      </Fact>
      <Fact name="What it can’t find">
        It does not prove a single answer. It can’t tell close quantizations apart, such as Q8_0 from F16. It
        does not see hidden reasoning, grammars, tools or images. And it trusts the verifier.
      </Fact>
      <Fact name="E-value">
        How strongly the answers speak against the miner. It ever exceeds 1,000 for at most 1 in 1,000 honest
        miners, as long as their builds and samplers differ from the verifier’s by no more than its rule
        allows.
      </Fact>
      <Fact name="Accused">
        <JudgementMark judgement="accused" /> by this test, or because three of the last twenty answers were
        accused alone.
      </Fact>
      <Fact name="Consistent">
        <JudgementMark judgement="consistent" /> Not accused after enough answers.
      </Fact>
      <Fact name="Inconclusive">
        <JudgementMark judgement="inconclusive" /> Too few answers. This costs the miner nothing.
      </Fact>
    </Facts>
  </Panel>
);
