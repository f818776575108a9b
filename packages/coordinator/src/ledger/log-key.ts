import { createPrivateKey, hkdfSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Signer, signerFromSeed, type VerifierKey, verifierKey } from '@aitbc/tlog';
import type { ReceiptConfig } from '../receipts/options.ts';
import { signingKeyPath } from '../receipts/signing-key.ts';
import type { StoreConfig } from '../store/options.ts';
import { requirePrivate } from '../store/private-files.ts';
import type { LedgerConfig } from './options.ts';

/** In the data folder. */
export const LEDGER_KEY_FILE = 'ledger-key.pem';

const SEED_BYTES = 32;

/** With what a log signs: its name and both its keys. */
export interface LogKeys {
  origin: string;
  /** Signs checkpoints. */
  log: { signer: Signer; vkey: VerifierKey };
  /** Signs checkpoints together with a time. */
  cosigner: { signer: Signer; vkey: VerifierKey };
}

type KeyPlaces = Pick<LedgerConfig, 'ledgerKey'> &
  Pick<ReceiptConfig, 'signingKey'> &
  Pick<StoreConfig, 'data'>;

/** The file that a log's keys are derived from: that of the signing key, until another takes its place. */
export function ledgerKeyPath(config: KeyPlaces): string {
  const kept = config.ledgerKey ?? join(config.data, LEDGER_KEY_FILE);
  return config.ledgerKey !== undefined || existsSync(kept) ? kept : signingKeyPath(config);
}

/**
 * The keys of a log, derived by HKDF (RFC 5869) from the Ed25519 key in a PKCS #8 PEM file. No two kinds of signature may
 * come from one key (C2SP signed-note), and so there is still only one secret to keep and to bring to all coordinators
 * of a database.
 *
 * @throws where the file can't be read, can be read by others, or holds no Ed25519 key
 */
export function loadLogKeys(path: string, origin: string): LogKeys {
  const secret = readSecret(path);
  const signerFor = (purpose: string) =>
    signerFromSeed(new Uint8Array(hkdfSync('sha256', secret, '', `aitbc/ledger/${purpose}`, SEED_BYTES)));
  const [log, cosigner] = [signerFor('checkpoints'), signerFor('cosignatures')];
  return {
    origin,
    log: { signer: log, vkey: verifierKey(origin, 'Ed25519', log.keyId) },
    cosigner: { signer: cosigner, vkey: verifierKey(origin, 'cosignature/v1', cosigner.keyId) },
  };
}

function readSecret(path: string): Buffer {
  const key = createPrivateKey(readFileSync(path));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it holds no Ed25519 key');
  requirePrivate(path);
  return Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
}

/** A log's name of its own, where the operator gives it none: something that can be the name of a key. */
export const defaultOrigin = (coordinatorId: string) => `${coordinatorId.replace(/[^\w.-]/g, '-')}/ledger`;

const RESTORED = /\/restored-\d{8}-[0-9a-f]{6}$/;

/** The name that a ledger had before it was restored; its own where it never was. */
export const firstOrigin = (origin: string) => origin.replace(RESTORED, '');

/**
 * A name that no ledger has had, for the one that follows a restore.
 *
 * @param now milliseconds since the epoch
 * @param random 6 hex digits: one backup can be restored twice on a day
 */
export function restoredOrigin(origin: string, now: number, random: string): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
  return `${firstOrigin(origin)}/restored-${day}-${random}`;
}
