import { getRouteApi } from '@tanstack/react-router';
import { Filter } from '../../components/filter/filter.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { ReceiptList } from './receipt-list.tsx';

const route = getRouteApi('/receipts');

const FILTERS = [
  ['model', 'Model', 'llama3.2'],
  ['miner', 'Miner', 'name'],
  ['client', 'Client', 'ait1…'],
  ['provider', 'Provider', 'ait1…'],
] as const;

export function ReceiptsPage() {
  const { cursor, sort, ...filter } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page
      title="Receipts"
      about="Each finished job leaves one: who computed what for whom, how long it took and what it costs, signed."
    >
      <Panel
        title={cursor === undefined ? 'Newest receipts' : 'Older receipts'}
        aside={FILTERS.map(([name, label, placeholder]) => (
          <Filter
            key={name}
            label={label}
            placeholder={placeholder}
            value={filter[name]}
            onChange={value =>
              void navigate({ search: before => ({ ...before, cursor: undefined, [name]: value }) })
            }
          />
        ))}
        flush
      >
        <ReceiptList
          filter={filter}
          cursor={cursor}
          sort={sort}
          onSort={value => void navigate({ search: before => ({ ...before, sort: value }) })}
          isLive
        />
      </Panel>
    </Page>
  );
}
