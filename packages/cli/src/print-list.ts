import type { Paged } from '@aitbc/sdk';
import type { Command } from 'commander';
import { wantsJson } from './connection.ts';
import type { Io } from './io.ts';
import { note, print, printJson } from './output.ts';
import { table } from './table.ts';

const LARGEST_PAGE = 100;

export interface ListFlags {
  limit: number;
  all?: boolean;
}

export interface Columns<Item> {
  head: readonly string[];
  row(item: Item): (string | number | null)[];
}

/** Returns the page size for the flags. */
export function pageSize({ limit, all }: ListFlags): number {
  return all ? LARGEST_PAGE : Math.min(limit, LARGEST_PAGE);
}

/** Prints the first items of a list, as many as the flags ask for. */
export async function printList<Item>(
  found: Paged<Item>,
  flags: ListFlags,
  { command, io, columns }: { command: Command; io: Io; columns: Columns<Item> },
): Promise<void> {
  const { items, more } = await take(found, flags.all ? Number.POSITIVE_INFINITY : flags.limit);
  if (wantsJson(command)) return printJson(io, items);
  if (items.length === 0) return note(io, 'None.');
  print(io, table(columns.head, items.map(columns.row)));
  if (more) note(io, `There are more: --limit N shows N of them, --all shows all.`);
}

async function take<Item>(found: Paged<Item>, most: number): Promise<{ items: Item[]; more: boolean }> {
  const items: Item[] = [];
  for await (const page of found.pages()) {
    items.push(...page.items);
    const more = items.length > most || page.cursor !== null;
    if (items.length >= most) return { items: items.slice(0, most), more };
  }
  return { items, more: false };
}
