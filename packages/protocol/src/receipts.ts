import { type Static, Type } from 'typebox';
import { CLOSED, MinerId, Model, Nullable, PageQuery, Signature, Timestamp } from './common.ts';
import { RECEIPT_VERSION } from './versions.ts';

/** A signed receipt. The signature covers the canonical JSON (RFC 8785) of all other fields. */
export const Receipt = Type.Object(
  {
    version: Type.Literal(RECEIPT_VERSION),
    receipt_id: Type.String(),
    job_id: Type.String(),
    provider: Type.String({ description: 'The address that earns the price.' }),
    client: Type.String({ description: 'The address that pays the price.' }),
    units: Type.Number({ minimum: 0 }),
    unit_type: Type.String({ examples: ['gpu_second'] }),
    price: Type.Number({ minimum: 0, description: 'Credits, at most 6 decimals.' }),
    model: Type.String(),
    prompt_hash: Type.String({
      description: 'hex SHA-256(salt ‖ prompt). For messages it is of their canonical JSON.',
    }),
    artifact_hash: Type.String({ description: 'hex SHA-256(salt ‖ result).' }),
    started_at: Type.Integer({ description: 'Unix seconds.' }),
    completed_at: Type.Integer({ description: 'Unix seconds.' }),
    duration_ms: Type.Integer({ minimum: 0 }),
    coordinator_id: Type.String(),
    nonce: Type.String(),
    metadata: Type.Record(Type.String(), Type.Unknown(), {
      description:
        'What the price was computed from, the miner and its signatures. `passport`: the digest of the passport that the miner had registered for the model when it claimed the job. `parameters_hash`: hex SHA-256(salt ‖ canonical JSON of the `effective_parameters`). `rendered_prompt_hash`: hex SHA-256(salt ‖ the prompt as the engine rendered it).',
    }),
    signature: Signature,
  },
  { $id: 'Receipt' },
);
export type Receipt = Static<typeof Receipt>;
export type UnsignedReceipt = Omit<Receipt, 'signature'>;

const Base64 = (description: string) => Type.String({ contentEncoding: 'base64', description });
const Decimal = (description: string) => Type.String({ pattern: '^(0|[1-9][0-9]*)$', description });

/**
 * A statement's place in the ledger and the proof of it: a TransparencyLogEntry of Sigstore
 * (sigstore_rekor.proto) as protobuf JSON. 64-bit integers are therefore decimals in strings, and bytes are
 * padded base64.
 */
export const Inclusion = Type.Object(
  {
    logIndex: Decimal('The index of the entry in the ledger, from 0.'),
    logId: Type.Object({
      keyId: Base64("SHA-256 that begins with the key ID of the ledger's verifier key, all 32 bytes."),
    }),
    integratedTime: Decimal('The time of the checkpoint, in Unix seconds.'),
    inclusionProof: Type.Object({
      logIndex: Decimal('The same index again.'),
      rootHash: Base64('The root of the tree, 32 bytes. The checkpoint has a signed copy.'),
      treeSize: Decimal('How many entries the tree has. The checkpoint has a signed copy.'),
      hashes: Type.Array(Base64('32 bytes.'), {
        description: "The inclusion proof: the leaf's sibling first.",
      }),
      checkpoint: Type.Object({
        envelope: Type.String({ description: 'A signed note: C2SP tlog-checkpoint.' }),
      }),
    }),
    canonicalizedBody: Base64('The entry: the statement as canonical JSON, with its signature.'),
  },
  { $id: 'Inclusion' },
);
export type Inclusion = Static<typeof Inclusion>;

/** A receipt with its place in the ledger, which its signature does not cover. */
export const PublishedReceipt = Type.Object(
  {
    ...Receipt.properties,
    inclusion: Nullable(Inclusion),
  },
  { $id: 'PublishedReceipt', description: '`inclusion` is null until the ledger has the receipt.' },
);
export type PublishedReceipt = Static<typeof PublishedReceipt>;

export const ListReceipts = Type.Object(
  {
    ...PageQuery.properties,
    client: Type.Optional(Type.String({ maxLength: 90 })),
    provider: Type.Optional(Type.String({ maxLength: 90 })),
    miner: Type.Optional({
      ...MinerId,
      description:
        'Only receipts of this miner, among those of whom it is paid to now. A page can then be short, or empty, and still have a next one.',
    }),
    model: Type.Optional({
      ...Model,
      description:
        'Only receipts of this model. A page can then be short, or empty, and still have a next one.',
    }),
  },
  CLOSED,
);
export type ListReceipts = Static<typeof ListReceipts>;

/** A present or former key of the coordinator for receipts. */
export const PublicKey = Type.Object({
  key_id: Type.String({ description: 'Raw Ed25519 public key, unpadded base64url.' }),
  alg: Type.Literal('Ed25519'),
  use: Type.Literal('receipts'),
  coordinator_id: Type.String(),
  created_at: Timestamp,
  retired_at: Nullable(Timestamp),
});
export type PublicKey = Static<typeof PublicKey>;

export const PublicKeys = Type.Object({ keys: Type.Array(PublicKey) });
export type PublicKeys = Static<typeof PublicKeys>;
