import { type Static, Type } from 'typebox';
import { CLOSED, Nullable, PageQuery, Timestamp } from './common.ts';
import { LIMITS } from './limits.ts';

/** An administrative action. Secrets are never part of it. */
export const AuditEntry = Type.Object(
  {
    id: Type.Integer({ description: 'Numbered in the order in which the actions were stored.' }),
    at: Timestamp,
    action: Type.String({ examples: ['key.create'] }),
    target: Type.String({ description: 'The id or address that the action was about.' }),
    source: Type.Enum(['api', 'command', 'coordinator'], {
      type: 'string',
      description:
        'api: a request; command: the command on the machine of the coordinator; coordinator: it acted by itself.',
    }),
    key_id: Nullable(Type.String({ description: 'The id of the API key that was used.' })),
    account: Nullable(Type.String({ description: 'The account of that key.' })),
    origin: Nullable(
      Type.String({ description: 'The address of the request, or USER@HOST of the command.' }),
    ),
    request_id: Nullable(Type.String({ description: 'The id of the request, as in the log.' })),
    details: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: 'What was set, or the changed fields as `before` and `after`.',
    }),
  },
  { $id: 'AuditEntry' },
);
export type AuditEntry = Static<typeof AuditEntry>;

export const ListAuditEntries = Type.Object(
  {
    ...PageQuery.properties,
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.reportPageSize,
        default: LIMITS.defaultPageSize,
        description: 'Items on a page.',
      }),
    ),
    action: Type.Optional(Type.String({ maxLength: 64, description: 'Only this action: `key.create`.' })),
    target: Type.Optional(
      Type.String({ maxLength: 128, description: 'Only actions about this id or address.' }),
    ),
  },
  CLOSED,
);
export type ListAuditEntries = Static<typeof ListAuditEntries>;
