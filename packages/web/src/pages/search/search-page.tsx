import type { SearchResult } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, type LinkProps, Navigate } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { Icon, type IconName } from '../../components/icon/icon.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { shortId } from '../../format/ids.ts';
import styles from './search-page.module.css';

const route = getRouteApi('/search');

interface Place {
  label: string;
  icon: IconName;
  to: LinkProps['to'];
}

/** What the coordinator finds, and the page that shows it. */
const PLACES: Partial<Record<SearchResult['kind'], Place>> = {
  block: { label: 'Block', icon: 'block', to: '/blocks/$id' },
  transaction: { label: 'Transaction', icon: 'transaction', to: '/transactions/$id' },
  receipt: { label: 'Receipt', icon: 'receipt', to: '/receipts/$id' },
  miner: { label: 'Miner', icon: 'miner', to: '/miners/$id' },
  model: { label: 'Model', icon: 'model', to: '/models' },
  address: { label: 'Address', icon: 'pin', to: '/addresses/$id' },
};

/** The coordinator finds their entries only, and these have a page of their own. */
const VERIFICATION = /^ver-[0-9a-z]{26}$/;

/** Leads to what was searched for, or lists it where one text names several things. */
export function SearchPage() {
  const { q = '' } = route.useSearch();
  const text = q.trim();
  const { data, error, refetch } = useQuery({
    queryKey: ['search', text],
    queryFn: ({ signal }) => publicClient.explorer.search(text, { signal }),
    enabled: text !== '' && !VERIFICATION.test(text),
  });
  const found = data?.flatMap(result => {
    const place = PLACES[result.kind];
    return place ? [{ ...result, ...place }] : [];
  });
  if (VERIFICATION.test(text)) return <Navigate to="/verifications/$id" params={{ id: text }} replace />;
  const [first] = found ?? [];
  if (first && found?.length === 1) return <Navigate {...linkTo(first)} replace />;
  return (
    <Page title="Search" name={`Search ${text}`} about={text === '' ? undefined : `“${text}”`}>
      {error ? (
        <LoadingFailed error={error} what="what you search" retry={refetch} />
      ) : text === '' ? (
        <Notice icon="search" title="What are you looking for?">
          Type a height, a hash, an address, or the id of a job, a receipt, a grant, a payout, a verification,
          a miner or a model above.
        </Notice>
      ) : !found ? (
        <Loading what="results" />
      ) : found.length === 0 ? (
        <Notice icon="search" title="Nothing has this name">
          Ids and hashes must be whole. Jobs are found once they are completed, and a receipt once its job is.
        </Notice>
      ) : (
        <Panel title={`${found.length} things have this name`} flush>
          <ul>
            {found.map(result => (
              <li key={`${result.kind} ${result.id}`}>
                <Link {...linkTo(result)} className={styles.result}>
                  <Icon name={result.icon} />
                  <span>{result.label}</span>
                  <code title={result.id}>{shortId(result.id, 10)}</code>
                </Link>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </Page>
  );
}

const linkTo = ({ to, id }: Pick<Place, 'to'> & { id: string }) =>
  ({ to, params: { id }, ...(to === '/models' && { search: { q: id } }) }) as LinkProps;
