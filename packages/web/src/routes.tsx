import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { NotFound, PageFailed } from './app/failures/failures.tsx';
import { Shell } from './app/shell/shell.tsx';

/*
 * All pages. Each has a folder of its own below `pages`, is loaded when it is first opened, and checks the part of the URL
 * behind `?` that it reads. `packages/coordinator/src/web/paths.ts` lists the same paths.
 */

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: PageFailed });

/** A page of a list, and the filters that lists have. What is not a text counts as absent. */
function readSearch<const Name extends string>(...names: readonly Name[]) {
  return (search: Record<string, unknown>) =>
    Object.fromEntries(
      names.flatMap(name => {
        const value = search[name];
        return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [];
      }),
    ) as { [N in Name]?: string };
}

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview/overview-page.tsx'), 'OverviewPage'),
});

const blocks = createRoute({
  getParentRoute: () => root,
  path: '/blocks',
  validateSearch: readSearch('cursor', 'sort'),
  component: lazyRouteComponent(() => import('./pages/blocks/blocks-page.tsx'), 'BlocksPage'),
});

const block = createRoute({
  getParentRoute: () => root,
  path: '/blocks/$id',
  validateSearch: readSearch('cursor', 'sort'),
  component: lazyRouteComponent(() => import('./pages/blocks/block-page.tsx'), 'BlockPage'),
});

const transactions = createRoute({
  getParentRoute: () => root,
  path: '/transactions',
  validateSearch: readSearch('cursor', 'sort', 'type'),
  component: lazyRouteComponent(
    () => import('./pages/transactions/transactions-page.tsx'),
    'TransactionsPage',
  ),
});

const transaction = createRoute({
  getParentRoute: () => root,
  path: '/transactions/$id',
  component: lazyRouteComponent(() => import('./pages/transactions/transaction-page.tsx'), 'TransactionPage'),
});

const receipts = createRoute({
  getParentRoute: () => root,
  path: '/receipts',
  validateSearch: readSearch('cursor', 'sort', 'client', 'provider', 'miner', 'model'),
  component: lazyRouteComponent(() => import('./pages/receipts/receipts-page.tsx'), 'ReceiptsPage'),
});

const receipt = createRoute({
  getParentRoute: () => root,
  path: '/receipts/$id',
  component: lazyRouteComponent(() => import('./pages/receipts/receipt-page.tsx'), 'ReceiptPage'),
});

const miners = createRoute({
  getParentRoute: () => root,
  path: '/miners',
  validateSearch: readSearch('cursor', 'sort', 'status', 'model'),
  component: lazyRouteComponent(() => import('./pages/miners/miners-page.tsx'), 'MinersPage'),
});

const miner = createRoute({
  getParentRoute: () => root,
  path: '/miners/$id',
  component: lazyRouteComponent(() => import('./pages/miners/miner-page.tsx'), 'MinerPage'),
});

const models = createRoute({
  getParentRoute: () => root,
  path: '/models',
  validateSearch: readSearch('cursor', 'sort', 'q', 'state'),
  component: lazyRouteComponent(() => import('./pages/models/models-page.tsx'), 'ModelsPage'),
});

const evidence = createRoute({
  getParentRoute: () => root,
  path: '/evidence',
  validateSearch: readSearch('cursor', 'miner'),
  component: lazyRouteComponent(() => import('./pages/evidence/evidence-page.tsx'), 'EvidencePage'),
});

const verifications = createRoute({
  getParentRoute: () => root,
  path: '/verifications',
  validateSearch: readSearch('cursor', 'miner', 'judgement'),
  component: lazyRouteComponent(() => import('./pages/evidence/verifications-page.tsx'), 'VerificationsPage'),
});

const verification = createRoute({
  getParentRoute: () => root,
  path: '/verifications/$id',
  component: lazyRouteComponent(() => import('./pages/evidence/verification-page.tsx'), 'VerificationPage'),
});

const verify = createRoute({
  getParentRoute: () => root,
  path: '/verify',
  component: lazyRouteComponent(() => import('./pages/verify/verify-page.tsx'), 'VerifyPage'),
});

const address = createRoute({
  getParentRoute: () => root,
  path: '/addresses/$id',
  validateSearch: readSearch('cursor', 'sort', 'show'),
  component: lazyRouteComponent(() => import('./pages/addresses/address-page.tsx'), 'AddressPage'),
});

const search = createRoute({
  getParentRoute: () => root,
  path: '/search',
  validateSearch: readSearch('q'),
  component: lazyRouteComponent(() => import('./pages/search/search-page.tsx'), 'SearchPage'),
});

const playground = createRoute({
  getParentRoute: () => root,
  path: '/playground',
  validateSearch: readSearch('model'),
  component: lazyRouteComponent(() => import('./pages/playground/playground-page.tsx'), 'PlaygroundPage'),
});

const jobs = createRoute({
  getParentRoute: () => root,
  path: '/jobs',
  validateSearch: readSearch('cursor', 'status', 'model'),
  component: lazyRouteComponent(() => import('./pages/jobs/jobs-page.tsx'), 'JobsPage'),
});

const job = createRoute({
  getParentRoute: () => root,
  path: '/jobs/$id',
  component: lazyRouteComponent(() => import('./pages/jobs/job-page.tsx'), 'JobPage'),
});

const batches = createRoute({
  getParentRoute: () => root,
  path: '/batches',
  validateSearch: readSearch('cursor'),
  component: lazyRouteComponent(() => import('./pages/batches/batches-page.tsx'), 'BatchesPage'),
});

const batch = createRoute({
  getParentRoute: () => root,
  path: '/batches/$id',
  component: lazyRouteComponent(() => import('./pages/batches/batch-page.tsx'), 'BatchPage'),
});

const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: readSearch('days', 'by'),
  component: lazyRouteComponent(() => import('./pages/usage/usage-page.tsx'), 'UsagePage'),
});

const webhooks = createRoute({
  getParentRoute: () => root,
  path: '/webhooks',
  validateSearch: readSearch('cursor'),
  component: lazyRouteComponent(() => import('./pages/webhooks/webhooks-page.tsx'), 'WebhooksPage'),
});

const webhook = createRoute({
  getParentRoute: () => root,
  path: '/webhooks/$id',
  validateSearch: readSearch('cursor', 'state'),
  component: lazyRouteComponent(() => import('./pages/webhooks/webhook-page.tsx'), 'WebhookPage'),
});

const keys = createRoute({
  getParentRoute: () => root,
  path: '/keys',
  validateSearch: readSearch('cursor'),
  component: lazyRouteComponent(() => import('./pages/keys/keys-page.tsx'), 'KeysPage'),
});

const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: lazyRouteComponent(() => import('./pages/join/join-page.tsx'), 'JoinPage'),
});

const machines = createRoute({
  getParentRoute: () => root,
  path: '/machines',
  validateSearch: readSearch('cursor', 'payouts'),
  component: lazyRouteComponent(() => import('./pages/machines/machines-page.tsx'), 'MachinesPage'),
});

const machine = createRoute({
  getParentRoute: () => root,
  path: '/machines/$id',
  validateSearch: readSearch('days'),
  component: lazyRouteComponent(() => import('./pages/machines/machine-page.tsx'), 'MachinePage'),
});

const admin = createRoute({
  getParentRoute: () => root,
  path: '/admin',
  validateSearch: readSearch('cursor', 'status'),
  component: lazyRouteComponent(() => import('./pages/admin/admin-page.tsx'), 'AdminPage'),
});

const adminKeys = createRoute({
  getParentRoute: () => root,
  path: '/admin/keys',
  validateSearch: readSearch('cursor', 'account'),
  component: lazyRouteComponent(() => import('./pages/admin/keys-page.tsx'), 'AllKeysPage'),
});

const adminGrants = createRoute({
  getParentRoute: () => root,
  path: '/admin/grants',
  validateSearch: readSearch('cursor'),
  component: lazyRouteComponent(() => import('./pages/admin/grants-page.tsx'), 'GrantsPage'),
});

const adminPayouts = createRoute({
  getParentRoute: () => root,
  path: '/admin/payouts',
  validateSearch: readSearch('cursor', 'status', 'account'),
  component: lazyRouteComponent(() => import('./pages/admin/payouts-page.tsx'), 'PayoutsPage'),
});

const adminAudit = createRoute({
  getParentRoute: () => root,
  path: '/admin/audit',
  validateSearch: readSearch('cursor', 'action', 'target'),
  component: lazyRouteComponent(() => import('./pages/admin/audit-page.tsx'), 'AuditPage'),
});

const adminConfiguration = createRoute({
  getParentRoute: () => root,
  path: '/admin/configuration',
  validateSearch: readSearch('q', 'show'),
  component: lazyRouteComponent(() => import('./pages/admin/configuration-page.tsx'), 'ConfigurationPage'),
});

const routeTree = root.addChildren([
  ...[overview, blocks, block, transactions, transaction, receipts, receipt],
  ...[miners, miner, models, address, verify, search],
  ...[evidence, verifications, verification],
  ...[playground, jobs, job, batches, batch, usage, webhooks, webhook],
  ...[keys, join, machines, machine],
  ...[admin, adminKeys, adminGrants, adminPayouts, adminAudit, adminConfiguration],
]);

export const router = createRouter({
  routeTree,
  defaultPreload: 'intent',
  scrollRestoration: true,
  // Values in the URL are texts, written as they are: `?cursor=12`.
  parseSearch: text => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: search => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return text === '' ? '' : `?${text}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
