import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  sortFn_alphanumeric,
  tableFeatures,
  type Updater,
  useTable,
} from '@tanstack/react-table';
import { type ReactNode, useMemo } from 'react';
import { Icon } from '../icon/icon.tsx';
import styles from './data-table.module.css';
import { isVirtual, VirtualRows } from './virtual-rows.tsx';

export interface TableColumn<Row> {
  id: string;
  header: string;
  /**
   * What is shown. The first column's link leads to the row's page: it is made as large as the row, so that a click
   * anywhere in the row follows it.
   */
  cell: (row: Row) => ReactNode;
  align?: 'end';
  /** Hidden where the table is narrower than this. */
  from?: 'sm' | 'md' | 'lg';
  /** The value by which rows are sorted. Columns without one can't be sorted by. */
  sortBy?: (row: Row) => string | number;
}

interface DataTableProps<Row> {
  /** What the table lists, for readers of screens. */
  caption: string;
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** `name` or `-name`, as in the URL. */
  sort?: string | undefined;
  onSort?: (sort: string) => void;
  /** Keys of rows that have just arrived. */
  arrived?: ReadonlySet<string>;
}

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric },
});

export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { caption, columns, rows, rowKey, sort, onSort, arrived } = props;
  const sorting = readSort(sort);
  const canSort = onSort !== undefined;
  const definitions = useMemo(
    () =>
      columns.map(
        ({ id, header, sortBy }): ColumnDef<typeof features, Row> => ({
          id,
          header,
          accessorFn: row => sortBy?.(row) ?? '',
          enableSorting: sortBy !== undefined && canSort,
          sortFn: 'alphanumeric',
        }),
      ),
    [columns, canSort],
  );
  const table = useTable({
    features,
    data: rows,
    columns: definitions,
    getRowId: rowKey,
    state: { sorting },
    onSortingChange: (change: Updater<SortingState>) =>
      onSort?.(writeSort(typeof change === 'function' ? change(sorting) : change)),
    enableSortingRemoval: false,
  });
  // Readers of screens are told how many rows there are, and which these are.
  const isPartial = isVirtual(rows.length);
  const byId = new Map(columns.map(column => [column.id, column]));
  const classOf = (id: string) => {
    const { align, from } = byId.get(id) ?? {};
    return [align === 'end' && styles.end, from && styles[from]].filter(Boolean).join(' ') || undefined;
  };
  return (
    <div className={styles.scroll}>
      <table className={styles.table} aria-rowcount={isPartial ? rows.length + 1 : undefined}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          {table.getHeaderGroups().map(group => (
            <tr key={group.id} aria-rowindex={isPartial ? 1 : undefined}>
              {group.headers.map(({ id, column }) => (
                <th key={id} scope="col" className={classOf(id)} aria-sort={ariaSort(column.getIsSorted())}>
                  {column.getCanSort() ? (
                    <button type="button" className={styles.sort} onClick={column.getToggleSortingHandler()}>
                      {byId.get(id)?.header}
                      <SortMark direction={column.getIsSorted()} />
                    </button>
                  ) : (
                    byId.get(id)?.header
                  )}
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <VirtualRows count={rows.length} columns={columns.length}>
          {index => {
            const row = table.getRowModel().rows[index];
            if (!row) return null;
            return (
              <tr
                key={row.id}
                className={styles.row}
                aria-rowindex={isPartial ? index + 2 : undefined}
                data-arrived={arrived?.has(row.id) || undefined}
              >
                {columns.map(column => (
                  <td key={column.id} className={classOf(column.id)}>
                    {column.cell(row.original)}
                  </td>
                ))}
              </tr>
            );
          }}
        </VirtualRows>
      </table>
    </div>
  );
}

const ariaSort = (sorted: false | 'asc' | 'desc') =>
  sorted === false ? undefined : sorted === 'asc' ? 'ascending' : 'descending';

function SortMark({ direction }: { direction: false | 'asc' | 'desc' }) {
  if (direction === false) return null;
  return <Icon name={direction === 'asc' ? 'up' : 'down'} size={12} />;
}

/** Reads `name` or `-name`. */
function readSort(sort: string | undefined): SortingState {
  if (!sort) return [];
  return [{ id: sort.replace(/^-/, ''), desc: sort.startsWith('-') }];
}

const writeSort = ([first]: SortingState) => (first ? `${first.desc ? '-' : ''}${first.id}` : '');
