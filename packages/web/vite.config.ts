import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { PREACT } from './preact.ts';

/** `npm run dev` serves the app and passes requests for data on to a coordinator. */
const COORDINATOR = process.env.AITBC_COORDINATOR ?? 'http://127.0.0.1:8000';

const API = /^\/(v1|explorer|ledger|health|docs|openapi\.json)(\/|$|\?)/;

/** Parts that bring large libraries along stay with the pages that need them. */
const LARGE = 'chart|confirm|data-table|dialog|markdown|pager|raw-json|tabs|verification';
const PARTS = new RegExp(`packages/web/src/(components/(?!${LARGE})[^/]+|format)/`);

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  resolve: {
    alias: Object.entries(PREACT).map(([name, replacement]) => ({
      ...{ find: new RegExp(`^${name}$`), replacement },
    })),
  },
  server: { proxy: { [API.source]: COORDINATOR } },
  build: {
    target: 'es2022',
    // Nothing may be inline: the policy of the page allows only files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // Small parts of many pages come in one file: each request has headers, too.
        codeSplitting: {
          groups: [{ name: 'parts', test: PARTS, includeDependenciesRecursively: false }],
        },
      },
    },
  },
});
