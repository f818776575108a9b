import { type Static, Type } from 'typebox';
import { CLOSED, Nullable, Page, Timestamp } from './common.ts';
import type { Grant } from './grants.ts';
import { NetworkStats } from './network.ts';
import { Inclusion, type Receipt } from './receipts.ts';
import type { Opening, Restore } from './restores.ts';

const HASH = '[0-9a-fA-F]{64}';
const HexHash = (description: string) => Type.String({ description });

/** What names a block. */
export const BlockId = Type.String({
  pattern: `^([0-9]{1,15}|${HASH})$`,
  description: 'The height of a block, or its hash in hex.',
  examples: ['0'],
});

/** What names a transaction. */
export const TransactionId = Type.String({ pattern: `^${HASH}$`, description: 'Its hash in hex.' });

/** A tree of the ledger that was published. */
export const Block = Type.Object(
  {
    height: Type.Integer({ description: 'Counted from 0.' }),
    hash: HexHash('hex SHA-256 of the checkpoint without its signatures.'),
    parent_hash: Nullable(HexHash('That of the block before; null for the first one.')),
    tree_size: Type.Integer({ description: 'Entries that the ledger has from this block on.' }),
    root_hash: HexHash('Root of the tree over them, hex.'),
    timestamp: Timestamp,
    transactions: Type.Integer({ description: 'Entries that are new with this block.' }),
    size: Type.Integer({ description: 'Bytes of these entries.' }),
  },
  { $id: 'Block' },
);
export type Block = Static<typeof Block>;

/** A block with what the ledger signed for it. */
export const BlockDetail = Type.Object(
  {
    ...Block.properties,
    checkpoint: Type.String({
      description: 'The signed checkpoint, with the signatures of witnesses: C2SP tlog-checkpoint.',
    }),
  },
  { $id: 'BlockDetail' },
);
export type BlockDetail = Static<typeof BlockDetail>;

/** An entry of the ledger: what it moves, and where it stands. */
export const Transaction = Type.Object(
  {
    hash: HexHash('Leaf hash of the entry (RFC 6962), hex.'),
    index: Nullable(
      Type.Integer({
        description:
          'Place in the ledger, counted from 0; null for an entry of the ledger that was before a restore.',
      }),
    ),
    height: Nullable(Type.Integer({ description: 'Its block; null until that is published.' })),
    type: Type.Enum(['receipt', 'grant', 'restore', 'opening'], { type: 'string' }),
    id: Type.String({ description: 'The id of the statement, such as that of the receipt.' }),
    job_id: Nullable(Type.String({ description: 'The job that a receipt is for.' })),
    from: Nullable(
      Type.String({ description: 'Address that pays; null for what nobody pays, such as a grant.' }),
    ),
    to: Nullable(Type.String({ description: 'Address that is paid; null for a restore, which is of none.' })),
    amount: Type.Number({
      description: 'Credits, at most 6 decimals. Of an opening the balance, which may be below 0.',
    }),
    timestamp: Timestamp,
    size: Type.Integer({ description: 'Bytes of the entry.' }),
  },
  { $id: 'Transaction' },
);
export type Transaction = Static<typeof Transaction>;

/** A transaction with the signed statement that it is. */
export const TransactionDetail = Type.Object(
  {
    ...Transaction.properties,
    statement: Type.Unsafe<Receipt | Grant | Restore | Opening>({
      type: 'object',
      additionalProperties: true,
      description: 'The entry itself: a signed statement, such as a receipt.',
    }),
    inclusion: Nullable(Inclusion),
  },
  { $id: 'TransactionDetail', description: '`inclusion` is null until the ledger has published the entry.' },
);
export type TransactionDetail = Static<typeof TransactionDetail>;

export const ListTransactions = Type.Object(
  {
    ...Page.properties,
    address: Type.Optional(
      Type.String({ maxLength: 90, description: 'Only those that this address pays or is paid by.' }),
    ),
    block: Type.Optional(BlockId),
  },
  CLOSED,
);
export type ListTransactions = Static<typeof ListTransactions>;

/** What the ledger says of an address. One that it does not name has nothing. */
export const AddressDetail = Type.Object(
  {
    address: Type.String(),
    balance: Type.Number({
      description: 'Credits that it earned and was granted, less what it owes. At most 6 decimals.',
    }),
    jobs: Type.Integer({ description: 'Completed jobs that it asked for.' }),
    jobs_run: Type.Integer({ description: 'Completed jobs that it ran.' }),
    receipts: Type.Integer({ description: 'Receipts that name it, of both.' }),
    transactions: Type.Integer({ description: 'Receipts and grants that name it.' }),
  },
  { $id: 'AddressDetail' },
);
export type AddressDetail = Static<typeof AddressDetail>;

/** What happened from a time on, until the next one of its series begins. */
export const ActivityPoint = Type.Object(
  {
    time: Timestamp,
    receipts: Type.Integer({ description: 'Completed jobs.' }),
    credits: Type.Number({ description: 'What they cost.' }),
  },
  { $id: 'ActivityPoint' },
);
export type ActivityPoint = Static<typeof ActivityPoint>;

/** Network statistics, and series for charts. */
export const ExplorerStats = Type.Object(
  {
    ...NetworkStats.properties,
    hourly: Type.Array(ActivityPoint, {
      description: 'The last 48 hours, oldest first, the current one last.',
    }),
    daily: Type.Array(ActivityPoint, { description: 'The last 90 days in UTC, oldest first, today last.' }),
  },
  {
    $id: 'ExplorerStats',
    description: 'The series have what is in the tree of the ledger, which follows within an interval of it.',
  },
);
export type ExplorerStats = Static<typeof ExplorerStats>;

export const SEARCH_KINDS = ['block', 'transaction', 'receipt', 'grant', 'job', 'address'] as const;
export type SearchKind = (typeof SEARCH_KINDS)[number];

export const Search = Type.Object(
  {
    q: Type.String({
      minLength: 1,
      maxLength: 128,
      description:
        'All of a hash, a height, an index, an address, or an id: of a receipt, of a grant, of a completed job.',
      examples: ['0'],
    }),
  },
  CLOSED,
);
export type Search = Static<typeof Search>;

/** Something that goes by the text that was searched for. */
export const SearchResult = Type.Object(
  {
    kind: Type.Enum([...SEARCH_KINDS], { type: 'string' }),
    id: Type.String({ description: 'A hash for blocks and transactions.' }),
    path: Type.String({
      description: 'Where the API has it. A job that is not yours is known by its receipt.',
    }),
  },
  { $id: 'SearchResult' },
);
export type SearchResult = Static<typeof SearchResult>;

export const SearchResults = Type.Object({ results: Type.Array(SearchResult) }, { $id: 'SearchResults' });
export type SearchResults = Static<typeof SearchResults>;
