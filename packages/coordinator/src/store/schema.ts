import type { Insertable, Selectable } from 'kysely';
import type {
  AccountDayTable,
  AccountTable,
  ApiKeyTable,
  AuditLogTable,
  EarningTable,
  IdempotencyTable,
  InvitationTable,
  KeyBudgetTable,
  UsageTable,
} from './tables/account-tables.ts';
import type { BatchTable, FilePartTable, FileTable } from './tables/file-tables.ts';
import type {
  FairClockTable,
  FairShareTable,
  JobChunkTable,
  JobFallbackTable,
  JobInputTable,
  JobOutputTable,
  JobStreamTable,
  JobTable,
  QueueTable,
} from './tables/job-tables.ts';
import type {
  ActivityTable,
  CheckpointTable,
  EntryHashTable,
  EntryTable,
  PayoutTable,
  SigningKeyTable,
  TileTable,
  TreeTable,
} from './tables/ledger-tables.ts';
import type {
  BlameTable,
  MinerDayTable,
  MinerTable,
  ModelSpeedTable,
  NoticeTable,
  StandingTable,
} from './tables/miner-tables.ts';
import type {
  WebhookAttemptTable,
  WebhookDeliveryTable,
  WebhookSecretTable,
  WebhookTable,
} from './tables/webhook-tables.ts';

interface CounterTable {
  name: string;
  value: number;
}

interface SettingTable {
  name: string;
  value: string;
}

export interface DatabaseSchema {
  account: AccountTable;
  api_key: ApiKeyTable;
  key_budget: KeyBudgetTable;
  audit_log: AuditLogTable;
  invitation: InvitationTable;
  usage: UsageTable;
  earning: EarningTable;
  account_day: AccountDayTable;
  fair_clock: FairClockTable;
  fair_share: FairShareTable;
  queue: QueueTable;
  job: JobTable;
  job_input: JobInputTable;
  job_output: JobOutputTable;
  job_fallback: JobFallbackTable;
  job_stream: JobStreamTable;
  job_chunk: JobChunkTable;
  miner: MinerTable;
  standing: StandingTable;
  blame: BlameTable;
  model_speed: ModelSpeedTable;
  miner_day: MinerDayTable;
  notice: NoticeTable;
  entry: EntryTable;
  payout: PayoutTable;
  tree: TreeTable;
  tile: TileTable;
  entry_hash: EntryHashTable;
  checkpoint: CheckpointTable;
  activity: ActivityTable;
  counter: CounterTable;
  idempotency: IdempotencyTable;
  signing_key: SigningKeyTable;
  file: FileTable;
  file_part: FilePartTable;
  batch: BatchTable;
  webhook: WebhookTable;
  webhook_delivery: WebhookDeliveryTable;
  webhook_attempt: WebhookAttemptTable;
  webhook_secret: WebhookSecretTable;
  setting: SettingTable;
}

export type Table = keyof DatabaseSchema;
export type Row<T extends Table> = Selectable<DatabaseSchema[T]>;
export type NewRow<T extends Table> = Insertable<DatabaseSchema[T]>;

/** Every table, with the column that is its primary key. */
export const PRIMARY_KEYS = {
  account: 'id',
  api_key: 'id',
  key_budget: 'id',
  audit_log: 'id',
  invitation: 'id',
  usage: 'id',
  earning: 'id',
  account_day: 'id',
  fair_clock: 'id',
  fair_share: 'id',
  queue: 'id',
  job: 'id',
  job_input: 'job_id',
  job_output: 'job_id',
  job_fallback: 'job_id',
  job_stream: 'job_id',
  job_chunk: 'id',
  miner: 'id',
  standing: 'id',
  blame: 'id',
  model_speed: 'id',
  miner_day: 'id',
  notice: 'id',
  entry: 'leaf_index',
  payout: 'id',
  tree: 'id',
  tile: 'id',
  entry_hash: 'leaf_index',
  checkpoint: 'height',
  activity: 'hour',
  counter: 'name',
  idempotency: 'id',
  signing_key: 'key_id',
  file: 'id',
  file_part: 'id',
  batch: 'id',
  webhook: 'id',
  webhook_delivery: 'id',
  webhook_attempt: 'id',
  webhook_secret: 'account_id',
  setting: 'name',
} as const satisfies { readonly [T in Table]: keyof DatabaseSchema[T] };

export const TABLES = Object.keys(PRIMARY_KEYS) as Table[];

/** Name of the setting that marks a copy as a backup. Its value is the time of the copy (ISO 8601). */
export const BACKUP_OF = 'backup_made_at';

/** Name of the setting with the coordinator's name in receipts. */
export const COORDINATOR_ID = 'coordinator_id';
