import type { Block } from '@aitbc/sdk';
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { useArrivals } from '../../components/data-table/use-arrivals.ts';
import { Id } from '../../components/id/id.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatBytes, formatCount } from '../../format/numbers.ts';
import { BlockLink } from './block-link.tsx';

const route = getRouteApi('/blocks');

const COLUMNS: readonly TableColumn<Block>[] = [
  {
    id: 'height',
    header: 'Block',
    cell: ({ height }) => <BlockLink height={height} />,
    sortBy: block => block.height,
  },
  { id: 'time', header: 'Published', cell: ({ timestamp }) => <Time at={timestamp} /> },
  {
    id: 'entries',
    header: 'New entries',
    align: 'end',
    cell: block => formatCount(block.transactions),
    sortBy: block => block.transactions,
  },
  {
    id: 'tree',
    header: 'Entries in all',
    align: 'end',
    from: 'md',
    cell: block => formatCount(block.tree_size),
  },
  {
    id: 'size',
    header: 'Size',
    align: 'end',
    from: 'sm',
    cell: ({ size }) => formatBytes(size),
    sortBy: ({ size }) => size,
  },
  { id: 'hash', header: 'Hash', from: 'lg', cell: ({ hash }) => <Id value={hash} what="hash" /> },
];

const blocksQuery = (cursor: string | undefined) =>
  queryOptions({
    queryKey: ['blocks', cursor],
    queryFn: ({ signal }) =>
      publicClient.explorer.blocks({ limit: 25, ...(cursor && { cursor }) }, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: cursor === undefined && 'fast' },
  });

export function BlocksPage() {
  const { cursor, sort } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery(blocksQuery(cursor));
  const arrived = useArrivals(data?.items, ({ height }) => String(height), cursor === undefined);
  const path = `/explorer/blocks?limit=25${cursor === undefined ? '' : `&cursor=${cursor}`}`;
  return (
    <Page
      title="Blocks"
      about="Each block is a signed checkpoint of the ledger: the root of the tree over all entries up to then."
      actions={data && <RawJson value={data.items} path={path} />}
    >
      <Panel title={cursor === undefined ? 'Newest blocks' : 'Older blocks'} flush>
        {data && data.items.length > 0 ? (
          <>
            <DataTable
              caption="Blocks, newest first"
              columns={COLUMNS}
              rows={data.items}
              rowKey={({ height }) => String(height)}
              sort={sort}
              onSort={value => void navigate({ search: before => ({ ...before, sort: value }) })}
              arrived={arrived}
            />
            <Pager cursor={cursor} next={data.cursor} count={data.items.length} noun="blocks" />
          </>
        ) : data ? (
          <Notice icon="block" title="No block yet">
            The ledger publishes its first block soon after the coordinator starts.
          </Notice>
        ) : error ? (
          <LoadingFailed error={error} what="the blocks" retry={refetch} />
        ) : (
          <Loading what="blocks" lines={12} />
        )}
      </Panel>
    </Page>
  );
}
