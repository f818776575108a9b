import { Writable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { exportStore } from '../../src/index.ts';

/** An export of a store, as the bytes of its file. */
export async function exported(config: Parameters<typeof exportStore>[0]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const file = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await exportStore(config, file);
  return Buffer.concat(chunks);
}

/** The lines of an export, without their ends. */
export const linesOf = (file: Buffer): string[] => gunzipSync(file).toString().split('\n').slice(0, -1);

/** An export of other lines. */
export const fileOf = (lines: readonly string[]): Buffer => gzipSync(lines.map(line => `${line}\n`).join(''));
