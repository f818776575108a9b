import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Takes back what `prepack` put in place, also where npm was ended before it could ask for that. */
export async function restoreCheckout(folder: string): Promise<void> {
  const saved = join(folder, 'package.json.checkout');
  if (!existsSync(saved)) return;
  await rename(saved, join(folder, 'package.json'));
  await rm(join(folder, 'LICENSE'), { force: true });
}

// npm runs this in the folder of a package after it has packed it.
if (import.meta.main) await restoreCheckout(process.cwd());
