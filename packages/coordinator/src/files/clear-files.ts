import { done, type Operation } from '../store/operation.ts';
import { countBytes, type FileRow, partId } from './upload.ts';

/** The number of parts that one step erases. Steps are short so that other writes need not wait long. */
const PARTS_PER_STEP = 16;

const DUE = `SELECT * FROM file WHERE uses = 0 AND expires_at <= ? ORDER BY expires_at LIMIT ${PARTS_PER_STEP}`;

/**
 * Erases files whose time is over: deleted files, abandoned uploads and files that are too old. Returns whether there
 * is more to erase.
 */
export const clearFiles: Operation<undefined, { more: boolean }> = {
  name: 'files.clear',
  async apply(inputs, { tx, now }) {
    const due = await tx.query<FileRow>(['file'], DUE, [now]);
    const parts: string[] = [];
    const left = due.map(file => {
      const from = Math.max(0, file.parts - (PARTS_PER_STEP - parts.length));
      for (let index = from; index < file.parts; index++) parts.push(partId(file.id, index));
      return { ...file, status: 'deleted' as const, parts: from };
    });
    await tx.delete('file_part', parts);
    const rest = left.filter(file => file.parts > 0);
    await tx.update(
      'file',
      rest.map(({ id, status, parts }) => ({ id, status, parts })),
    );
    const gone = left.filter(file => file.parts === 0);
    await tx.delete(
      'file',
      gone.map(file => file.id),
    );
    await countBytes(
      gone.map(({ account_id, bytes }) => ({ account_id, bytes: -bytes })),
      tx,
    );
    return inputs.map(() =>
      done({ more: due.length > 0 && (gone.length < due.length || due.length === PARTS_PER_STEP) }),
    );
  },
};
