import { accounts } from './accounts/module.ts';
import { auditLog } from './audit/module.ts';
import { batches } from './batches/module.ts';
import type { OperationsOf, OptionsOf, ServicesOf } from './define-module.ts';
import { explorer } from './explorer/module.ts';
import { files } from './files/module.ts';
import { gateway } from './gateway/module.ts';
import { grants } from './grants/module.ts';
import { invitations } from './invitations/module.ts';
import { leases } from './jobs/leases/module.ts';
import { maintenance } from './jobs/maintenance/module.ts';
import { replication } from './jobs/replication/module.ts';
import { scheduling } from './jobs/scheduling/module.ts';
import { streaming } from './jobs/streaming/module.ts';
import { submitting } from './jobs/submitting/module.ts';
import { ledger } from './ledger/module.ts';
import { limits } from './limits/module.ts';
import { metrics } from './metrics/module.ts';
import { miners } from './miners/module.ts';
import { notices } from './notices/module.ts';
import { operator } from './operator/module.ts';
import { payouts } from './payouts/module.ts';
import { receipts } from './receipts/module.ts';
import { server } from './server.ts';
import { tracing } from './tracing/module.ts';
import { usage } from './usage/module.ts';
import { verifications } from './verifications/module.ts';
import { web } from './web/module.ts';
import { webhooks } from './webhooks/module.ts';

/** All modules. Each one comes after those that it uses. */
export const MODULES = [
  server,
  tracing,
  accounts,
  auditLog,
  limits,
  ledger,
  receipts,
  miners,
  notices,
  scheduling,
  webhooks,
  leases,
  submitting,
  streaming,
  replication,
  maintenance,
  files,
  gateway,
  batches,
  grants,
  payouts,
  verifications,
  explorer,
  web,
  metrics,
  operator,
  usage,
  invitations,
] as const;

/** The services of all modules, by name. */
export type Services = ServicesOf<typeof MODULES>;
export type Operations = OperationsOf<typeof MODULES>;
export type Options = OptionsOf<typeof MODULES>;

/** Prefixes of the ids that modules create. */
export const ID_PREFIXES: ReadonlySet<string> = new Set(MODULES.flatMap(module => module.idPrefixes));
