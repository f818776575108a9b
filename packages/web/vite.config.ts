import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npm run dev` serves the app and passes requests for data on to a coordinator. */
const COORDINATOR = process.env.AITBC_COORDINATOR ?? 'http://127.0.0.1:8000';

const API = /^\/(v1|explorer|ledger|health|docs|openapi\.json)(\/|$|\?)/;

/** Parts that bring large libraries along stay with the pages that need them. */
const PARTS = /packages\/web\/src\/(components\/(?!chart|data-table|raw-json|verification)|format)\//;

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // React's interface by Preact, which is a sixth of its size. See docs/decisions.
  resolve: {
    alias: [
      { find: /^react-dom\/client$/, replacement: 'preact/compat/client' },
      { find: /^react-dom$/, replacement: 'preact/compat' },
      { find: /^react\/jsx-runtime$/, replacement: 'preact/jsx-runtime' },
      { find: /^react\/jsx-dev-runtime$/, replacement: 'preact/jsx-runtime' },
      { find: /^react\/compiler-runtime$/, replacement: 'preact/compat/compiler-runtime' },
      { find: /^react$/, replacement: 'preact/compat' },
    ],
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
