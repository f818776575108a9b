import { readFileSync } from 'node:fs';

/** Of the package, as `/health` and `--version` show it. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;
