import { useState } from 'react';
import { DataTable, type TableColumn } from './data-table.tsx';

interface Row {
  name: string;
  size: number;
}

const COLUMNS: readonly TableColumn<Row>[] = [
  {
    id: 'name',
    header: 'Model',
    cell: ({ name }) => <a href={`#${name}`}>{name}</a>,
    sortBy: row => row.name,
  },
  { id: 'size', header: 'Size', align: 'end', cell: ({ size }) => size, sortBy: row => row.size },
  { id: 'note', header: 'Note', cell: () => '–' },
];

const rowsOf = (count: number): Row[] =>
  Array.from({ length: count }, (_, index) => ({ name: `model-${index}`, size: (index * 7) % count }));

const MANY = rowsOf(5_000);
const FEW = rowsOf(3);

function Sorted({ rows }: { rows: readonly Row[] }) {
  const [sort, setSort] = useState<string>();
  return (
    <DataTable
      caption="Models"
      columns={COLUMNS}
      rows={rows}
      rowKey={({ name }) => name}
      sort={sort}
      onSort={setSort}
    />
  );
}

export const Short = () => <Sorted rows={FEW} />;
export const Long = () => <Sorted rows={MANY} />;
