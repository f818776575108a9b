import { type Static, Type } from 'typebox';
import { CLOSED, Nullable, PageQuery, Timestamp } from './common.ts';
import type { Grant } from './grants.ts';
import { NetworkStats } from './network.ts';
import type { Payout, PayoutUpdate } from './payouts.ts';
import { Inclusion, type Receipt } from './receipts.ts';
import type { Opening, Restore } from './restores.ts';
import type { VerificationStatement } from './verifications.ts';

const HASH = '[0-9a-fA-F]{64}';
const HexHash = (description: string) => Type.String({ description });

export const BlockId = Type.String({
  pattern: `^([0-9]{1,15}|${HASH})$`,
  description: 'The height of a block, or its hash in hex.',
  examples: ['0'],
});

export const TransactionId = Type.String({
  pattern: `^([0-9]{1,15}|${HASH})$`,
  description: 'The hash of a transaction in hex, or its index in the ledger.',
});

/** What an entry of the ledger says. */
export const TransactionType = Type.Enum(
  ['receipt', 'grant', 'restore', 'opening', 'payout', 'payout_update', 'verification'],
  { type: 'string' },
);
export type TransactionType = Static<typeof TransactionType>;

/** A published tree of the ledger. */
export const Block = Type.Object(
  {
    height: Type.Integer({ description: 'The number of the block, from 0.' }),
    hash: HexHash('hex SHA-256 of the checkpoint without its signatures.'),
    parent_hash: Nullable(HexHash('The hash of the block before; null for the first block.')),
    tree_size: Type.Integer({ description: 'How many entries the ledger has with this block.' }),
    root_hash: HexHash('The root of the tree over these entries, in hex.'),
    timestamp: Timestamp,
    transactions: Type.Integer({ description: 'How many entries are new in this block.' }),
    size: Type.Integer({ description: 'The size of these entries in bytes.' }),
  },
  { $id: 'Block' },
);
export type Block = Static<typeof Block>;

/** A block with the ledger's signed checkpoint. */
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

/** An entry of the ledger: the credits that it moves, and its place. */
export const Transaction = Type.Object(
  {
    hash: HexHash('Leaf hash of the entry (RFC 6962), hex.'),
    index: Nullable(
      Type.Integer({
        description: 'The index in the ledger, from 0; null for an entry of the ledger before a restore.',
      }),
    ),
    height: Nullable(
      Type.Integer({ description: 'The height of its block; null until the block is published.' }),
    ),
    type: TransactionType,
    id: Type.String({ description: 'The id of the statement, such as that of the receipt.' }),
    job_id: Nullable(Type.String({ description: 'The job that a receipt is for.' })),
    from: Nullable(
      Type.String({ description: 'The address that pays; null when nobody pays, as for a grant.' }),
    ),
    to: Nullable(
      Type.String({ description: 'The address that is paid; null for a payout and for a restore.' }),
    ),
    amount: Type.Number({
      description:
        'Credits, at most 6 decimals. For an opening it is the balance, which may be below 0. An update of a payout moves none, unless it withdraws the payout.',
    }),
    timestamp: Timestamp,
    size: Type.Integer({ description: 'The size of the entry in bytes.' }),
  },
  { $id: 'Transaction' },
);
export type Transaction = Static<typeof Transaction>;

/** A transaction with its signed statement. */
export const TransactionDetail = Type.Object(
  {
    ...Transaction.properties,
    statement: Type.Unsafe<
      Receipt | Grant | Payout | PayoutUpdate | Restore | Opening | VerificationStatement
    >({
      type: 'object',
      additionalProperties: true,
      description: 'The entry: a signed statement, such as a receipt.',
    }),
    inclusion: Nullable(Inclusion),
  },
  { $id: 'TransactionDetail', description: '`inclusion` is null until the ledger has published the entry.' },
);
export type TransactionDetail = Static<typeof TransactionDetail>;

export const ListTransactions = Type.Object(
  {
    ...PageQuery.properties,
    address: Type.Optional(
      Type.String({ maxLength: 90, description: 'Only transactions in which this address pays or is paid.' }),
    ),
    block: Type.Optional(BlockId),
    type: Type.Optional({
      ...TransactionType,
      description:
        'Only transactions of this type. A page can then be short, or empty, and still have a next one.',
    }),
  },
  CLOSED,
);
export type ListTransactions = Static<typeof ListTransactions>;

/** What the ledger records about an address. An address that it does not name has zeros. */
export const AddressDetail = Type.Object(
  {
    address: Type.String(),
    balance: Type.Number({
      description: 'Credits earned and granted, less those spent and paid out. At most 6 decimals.',
    }),
    jobs: Type.Integer({ description: 'Completed jobs that this address submitted.' }),
    jobs_run: Type.Integer({ description: 'Completed jobs that this address ran.' }),
    receipts: Type.Integer({ description: 'Receipts that name this address, as client or provider.' }),
    transactions: Type.Integer({ description: 'Entries of the ledger that name this address.' }),
    earned: Type.Number({ description: 'The prices of the receipts that name this address as provider.' }),
    paid: Type.Number({ description: 'The payouts to this address that were not withdrawn.' }),
    confirmed: Type.Number({ description: 'The payouts that it confirmed.' }),
    disputed: Type.Number({ description: 'The payouts that it disputes.' }),
  },
  { $id: 'AddressDetail' },
);
export type AddressDetail = Static<typeof AddressDetail>;

/** What an address earned and paid on a day on which the ledger names it. After a restore, days begin with the opening. */
export const AddressDay = Type.Object(
  {
    day: Type.String({ format: 'date', description: 'In UTC.' }),
    received: Type.Number({ description: 'Credits, at most 6 decimals.' }),
    sent: Type.Number({ description: 'Credits, at most 6 decimals.' }),
    balance: Type.Number({ description: 'The balance at the end of the day, or now.' }),
    transactions: Type.Integer({ description: 'How many entries name the address.' }),
  },
  { $id: 'AddressDay' },
);
export type AddressDay = Static<typeof AddressDay>;

/** A miner's day. */
export const MinerDay = Type.Object(
  {
    day: Type.String({ format: 'date', description: 'In UTC.' }),
    availability: Nullable(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description:
          'The share of the time that the coordinator was running in which the miner was there. Null for days before its registration, and those on which the coordinator did not run.',
      }),
    ),
    jobs: Type.Integer({ description: 'Paid runs.' }),
    tokens_in: Type.Integer(),
    tokens_out: Type.Integer(),
    credits: Type.Number({ description: 'What the runs earned.' }),
  },
  { $id: 'MinerDay' },
);
export type MinerDay = Static<typeof MinerDay>;

/** How many days the histories of addresses and miners have at most. */
export const HISTORY_DAYS = { address: 366, miner: 90 } as const;

/** The activity from `time` until the next point of the series. */
export const ActivityPoint = Type.Object(
  {
    time: Timestamp,
    receipts: Type.Integer({ description: 'Completed jobs.' }),
    credits: Type.Number({ description: 'Their total price in credits.' }),
  },
  { $id: 'ActivityPoint' },
);
export type ActivityPoint = Static<typeof ActivityPoint>;

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
    description:
      'The series contain the published entries of the ledger, so they lag by up to its publication interval.',
  },
);
export type ExplorerStats = Static<typeof ExplorerStats>;

export const SEARCH_KINDS = [
  ...(['block', 'transaction', 'receipt', 'grant', 'payout', 'job', 'address'] as const),
  ...(['miner', 'model'] as const),
] as const;
export type SearchKind = (typeof SEARCH_KINDS)[number];

export const Search = Type.Object(
  {
    q: Type.String({
      minLength: 1,
      maxLength: 128,
      description:
        'A whole hash, height, index or address, the id of a receipt, a grant, a payout or a completed job, or the name of a miner or a model.',
      examples: ['0'],
    }),
  },
  CLOSED,
);
export type Search = Static<typeof Search>;

/** Something that the searched text identifies. */
export const SearchResult = Type.Object(
  {
    kind: Type.Enum([...SEARCH_KINDS], { type: 'string' }),
    id: Type.String({ description: 'The id of the thing found. Blocks and transactions have their hash.' }),
    path: Type.String({
      description: 'The path in the API. For a job of another account it is that of the receipt.',
    }),
  },
  { $id: 'SearchResult' },
);
export type SearchResult = Static<typeof SearchResult>;

export const SearchResults = Type.Object({ results: Type.Array(SearchResult) }, { $id: 'SearchResults' });
export type SearchResults = Static<typeof SearchResults>;
