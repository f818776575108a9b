/** Line icons on a grid of 16, drawn for this app. */
const PATHS = {
  overview: 'M2.5 8.5h3l1.8-5 2.4 9 1.8-4h2',
  block: 'M8 1.8 13.5 5v6L8 14.2 2.5 11V5L8 1.8Zm0 6.4L13.3 5M8 8.2 2.7 5M8 8.2V14',
  transaction: 'M2.5 5.5h10m-3-3 3 3-3 3M13.5 10.5h-10m3 3-3-3 3-3',
  receipt: 'M3.5 1.8h9v12.4l-2.2-1.4L8 14.2l-2.3-1.4-2.2 1.4V1.8ZM6 5.3h4M6 8.3h4',
  miner:
    'M4 4h8v8H4V4Zm2.5 2.5h3v3h-3v-3ZM6 1.5V4m4-2.5V4M6 12v2.5m4-2.5v2.5M1.5 6H4m-2.5 4H4m8-4h2.5M12 10h2.5',
  model: 'M8 1.8 14 5 8 8.2 2 5l6-3.2ZM2.4 8.2 8 11.2l5.6-3M2.4 11.2 8 14.2l5.6-3',
  verify: 'M8 1.6 13.2 3.6v4c0 3.2-2.1 5.6-5.2 6.8-3.1-1.2-5.2-3.6-5.2-6.8v-4L8 1.6ZM5.6 7.9l1.8 1.8 3-3.4',
  evidence: 'M8 2v12M5 14h6M2.5 4h11M3.5 4 1.6 9.4h3.8L3.5 4Zm9 0-1.9 5.4h3.8L12.5 4Z',
  chat: 'M2.2 3h11.6v8H7.6L4.6 13.6V11H2.2V3Z',
  jobs: 'M2.5 4h1m2.5 0h7.5M2.5 8h1m2.5 0h7.5M2.5 12h1m2.5 0h7.5',
  machine: 'M2 3h12v8H2V3Zm4 10.5h4M8 11v2.5',
  admin: 'M2.5 4.5h5m3 0h3m-11 7h2m3 0h6M9 2.8v3.4M6 9.8v3.4',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Zm3.4 7.9 3.4 3.4',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  close: 'm3.5 3.5 9 9m0-9-9 9',
  check: 'm3 8.6 3.2 3.2L13 4.8',
  cross: 'm4 4 8 8m0-8-8 8',
  dash: 'M3.5 8h9',
  alert: 'M8 2.2 14.4 13.4H1.6L8 2.2Zm0 4.3v3.2m0 1.9v.1',
  copy: 'M5.5 5.5h8v8h-8v-8Zm-3 5v-8h8',
  code: 'm5.2 4.5-3.4 3.5 3.4 3.5m5.6-7 3.4 3.5-3.4 3.5',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1.2v1.4m0 10.8v1.4M1.2 8h1.4m10.8 0h1.4M3.2 3.2l1 1m7.6 7.6 1 1m0-9.6-1 1m-7.6 7.6-1 1',
  moon: 'M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7Z',
  contrast: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2Zm0 0v11.6M8 5h4.8M8 8h5.8M8 11h4.8',
  left: 'm9.8 3.5-4.5 4.5 4.5 4.5',
  right: 'm6.2 3.5 4.5 4.5-4.5 4.5',
  up: 'M8 13V3.2M3.8 7.4 8 3.2l4.2 4.2',
  down: 'M8 3v9.8m4.2-4.2L8 12.8 3.8 8.6',
  download: 'M8 2.2v7.6m3.4-3.2L8 9.9 4.6 6.6M2.5 13.4h11',
  external: 'M9.5 2.5h4v4m0-4L7.5 8.5M12 9.5v4H2.5V4h4',
  clock: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2Zm0 2.6V8l2.2 1.6',
  stop: 'M4.5 4.5h7v7h-7v-7Z',
  again: 'M13 8a5 5 0 1 1-1.6-3.7L13 5.8M13 2.4v3.4H9.6',
  plus: 'M8 3v10M3 8h10',
  upload: 'M8 10V2.4M4.6 5.7 8 2.4l3.4 3.3M2.5 13.4h11',
  batch: 'M2.5 3h11v3h-11V3Zm0 5h11v1.5h-11V8Zm0 3.5h11V13h-11v-1.5Z',
  usage: 'M2.5 13.5h11M4.5 11V7.5M8 11V3.5M11.5 11V6',
  webhook: 'M8 2.4a2.6 2.6 0 0 1 1.6 4.7L12 11M8 5l-3 5.4a2.4 2.4 0 1 0 1.4 2.2H12a1.6 1.6 0 1 0-1.2-2.8',
  user: 'M8 2.4a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2ZM2.8 13.6c.5-2.6 2.6-4 5.2-4s4.7 1.4 5.2 4',
  key: 'M5.2 7.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6Zm2.1.8 5.5-5.5m-2.6 2.6 2.1 2.1',
  pin: 'M6 2h4l-.5 4.5L12 9H4l2.5-2.5L6 2Zm2 7v5',
} as const;

export type IconName = keyof typeof PATHS;

/** An icon beside a text that says the same. Readers of screens skip it. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
