import type { LinkProps } from '@tanstack/react-router';
import type { IconName } from './components/icon/icon.tsx';

interface NavigationGroup {
  group: string;
  links: readonly { to: NonNullable<LinkProps['to']>; label: string; icon: IconName }[];
}

/** The groups of the navigation. */
export const NAVIGATION: readonly NavigationGroup[] = [
  {
    group: 'Network',
    links: [
      { to: '/', label: 'Overview', icon: 'overview' },
      { to: '/models', label: 'Models', icon: 'model' },
      { to: '/miners', label: 'Miners', icon: 'miner' },
    ],
  },
  {
    group: 'Yours',
    links: [
      { to: '/playground', label: 'Playground', icon: 'chat' },
      { to: '/jobs', label: 'Jobs', icon: 'jobs' },
      { to: '/batches', label: 'Batches', icon: 'batch' },
      { to: '/machines', label: 'Machines', icon: 'machine' },
      { to: '/usage', label: 'Usage', icon: 'usage' },
      { to: '/webhooks', label: 'Webhooks', icon: 'webhook' },
      { to: '/keys', label: 'API keys', icon: 'key' },
    ],
  },
  {
    group: 'Ledger',
    links: [
      { to: '/receipts', label: 'Receipts', icon: 'receipt' },
      { to: '/transactions', label: 'Transactions', icon: 'transaction' },
      { to: '/blocks', label: 'Blocks', icon: 'block' },
      { to: '/evidence', label: 'Evidence', icon: 'evidence' },
      { to: '/verify', label: 'Verify', icon: 'verify' },
    ],
  },
  {
    group: 'Operator',
    links: [{ to: '/admin', label: 'Administration', icon: 'admin' }],
  },
];
