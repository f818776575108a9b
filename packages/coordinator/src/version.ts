import manifest from '../package.json' with { type: 'json' };

/** Of the package, as `/health` and `--version` show it. */
export const VERSION: string = manifest.version;
