import { type Static, Type } from 'typebox';
import { Nullable } from './common.ts';

/* Files in the shapes of OpenAI's API. */

export const FileObject = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('file'),
    bytes: Type.Integer({ minimum: 0 }),
    created_at: Type.Integer({ description: 'Unix seconds.' }),
    expires_at: Type.Integer({ description: 'When the file is erased, in Unix seconds.' }),
    filename: Type.String(),
    purpose: Type.Enum(['batch', 'batch_output'], { type: 'string' }),
    status: Type.Literal('processed'),
  },
  { $id: 'FileObject' },
);
export type FileObject = Static<typeof FileObject>;

export const FilePage = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(FileObject),
    first_id: Nullable(Type.String()),
    last_id: Nullable(Type.String({ description: 'Send it as `after` to get the next page.' })),
    has_more: Type.Boolean(),
  },
  { $id: 'FilePage' },
);
export type FilePage = Static<typeof FilePage>;

export const DeletedFile = Type.Object(
  { id: Type.String(), object: Type.Literal('file'), deleted: Type.Literal(true) },
  { $id: 'DeletedFile' },
);
export type DeletedFile = Static<typeof DeletedFile>;
