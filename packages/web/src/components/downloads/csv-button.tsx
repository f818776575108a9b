import { useMutation } from '@tanstack/react-query';
import { Button } from '../button/button.tsx';
import { Icon } from '../icon/icon.tsx';
import { toCsv } from './csv.ts';

interface CsvButtonProps<Row extends object> {
  /** The name of the file: `transactions.csv`. */
  file: string;
  columns: readonly (keyof Row & string)[];
  read: () => Promise<readonly Row[]>;
}

/** Downloads rows as CSV. They are read when the button is pressed. */
export function CsvButton<Row extends object>({ file, columns, read }: CsvButtonProps<Row>) {
  const { mutate, error, isPending } = useMutation({
    mutationFn: async () => save(file, toCsv(await read(), columns)),
  });
  return (
    <Button disabled={isPending} onClick={() => mutate()} title={error?.message}>
      <Icon name={error ? 'alert' : 'download'} /> {isPending ? 'Reading' : error ? 'CSV failed' : 'CSV'}
    </Button>
  );
}

function save(file: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: file });
  link.click();
  URL.revokeObjectURL(url);
}
