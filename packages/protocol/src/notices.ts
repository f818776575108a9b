import { type Static, Type } from 'typebox';
import { Address, CLOSED, MinerId, Nullable, Timestamp } from './common.ts';
import { LIMITS } from './limits.ts';

const VERSION_PATTERN = '^(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})$';

/** A request for a notice. A miner gets it if every target that is named fits it; all miners get one without targets. */
export const NewNotice = Type.Object(
  {
    text: Type.String({
      minLength: 1,
      maxLength: LIMITS.noticeLength,
      description: 'What the owners of miners read, in one line or several.',
    }),
    miner: Type.Optional({ ...MinerId, description: 'Only this miner gets it.' }),
    owner: Type.Optional(Address('Only miners of this owner get it: the address of an account.')),
    below_version: Type.Optional(
      Type.String({
        pattern: VERSION_PATTERN,
        description:
          'Only agents of an earlier version get it, such as 0.3.0, and those that do not tell theirs.',
      }),
    ),
    valid_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.noticeSeconds,
        default: LIMITS.noticeSeconds,
        description: 'How long it is shown.',
      }),
    ),
  },
  { ...CLOSED, $id: 'NewNotice' },
);
export type NewNotice = Static<typeof NewNotice>;

/** A message of the operator to the owners of miners. */
export const Notice = Type.Object(
  {
    id: Type.String({ examples: ['notice-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    text: Type.String(),
    miner: Nullable(Type.String()),
    owner: Nullable(Type.String()),
    below_version: Nullable(Type.String()),
    created_at: Timestamp,
    expires_at: Timestamp,
  },
  { $id: 'Notice' },
);
export type Notice = Static<typeof Notice>;

/** A notice as a miner gets it. */
export const MinerNotice = Type.Pick(Notice, ['id', 'text', 'created_at']);
export type MinerNotice = Static<typeof MinerNotice>;
