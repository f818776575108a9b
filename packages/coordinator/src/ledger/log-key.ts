import { createPrivateKey, hkdfSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Signer,
  signerFromSeed,
  type VerifierKey,
  type VrfKey,
  verifierKey,
  vrfKeyFromSeed,
} from '@aitbc/tlog';
import type { ReceiptConfig } from '../receipts/options.ts';
import { signingKeyPath } from '../receipts/signing-key.ts';
import type { StoreConfig } from '../store/options.ts';
import { requirePrivate } from '../store/private-files.ts';
import type { LedgerConfig } from './options.ts';

/** Name of the ledger's key file in the data folder. */
export const LEDGER_KEY_FILE = 'ledger-key.pem';

const SEED_BYTES = 32;

/** A log's name and its two key pairs. */
export interface LogKeys {
  origin: string;
  /** Signs checkpoints. */
  log: { signer: Signer; vkey: VerifierKey };
  /** Signs checkpoints together with the time (C2SP tlog-cosignature). */
  cosigner: { signer: Signer; vkey: VerifierKey };
  /** Draws the answers that are verified. */
  draws: VrfKey;
}

type KeyFileConfig = Pick<LedgerConfig, 'ledgerKey'> &
  Pick<ReceiptConfig, 'signingKey'> &
  Pick<StoreConfig, 'data'>;

/** The file that a log's keys are derived from: the configured one, `ledger-key.pem` where it exists, or the signing key. */
export function ledgerKeyPath(config: KeyFileConfig): string {
  const kept = config.ledgerKey ?? join(config.data, LEDGER_KEY_FILE);
  return config.ledgerKey !== undefined || existsSync(kept) ? kept : signingKeyPath(config);
}

/**
 * Derives a log's keys by HKDF (RFC 5869) from the Ed25519 key in a PKCS #8 PEM file. Each kind of signature, and the
 * draw, needs a key of its own (C2SP signed-note), but operators have only one secret to keep and to copy to all coordinators.
 *
 * @throws where the file can't be read, others can read it, or it has no Ed25519 key
 */
export function loadLogKeys(path: string, origin: string): LogKeys {
  const secret = readSecret(path);
  const seedFor = (purpose: string) =>
    new Uint8Array(hkdfSync('sha256', secret, '', `aitbc/ledger/${purpose}`, SEED_BYTES));
  const log = signerFromSeed(seedFor('checkpoints'));
  const cosigner = signerFromSeed(seedFor('cosignatures'));
  return {
    origin,
    log: { signer: log, vkey: verifierKey(origin, 'Ed25519', log.keyId) },
    cosigner: { signer: cosigner, vkey: verifierKey(origin, 'cosignature/v1', cosigner.keyId) },
    draws: vrfKeyFromSeed(seedFor('draws')),
  };
}

function readSecret(path: string): Buffer {
  const key = createPrivateKey(readFileSync(path));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it holds no Ed25519 key');
  requirePrivate(path);
  return Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
}

/** The log's name unless the operator chooses one. It has only characters that are allowed in a key's name. */
export const defaultOrigin = (coordinatorId: string) => `${coordinatorId.replace(/[^\w.-]/g, '-')}/ledger`;

const RESTORED = /\/restored-\d{8}-[0-9a-f]{6}$/;

/** The name that a ledger had before its first restore. */
export const firstOrigin = (origin: string) => origin.replace(RESTORED, '');

/**
 * A new name for the ledger after a restore.
 *
 * @param now ms since the epoch
 * @param random 6 hex digits, since a backup can be restored twice on one day
 */
export function restoredOrigin(origin: string, now: number, random: string): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
  return `${firstOrigin(origin)}/restored-${day}-${random}`;
}
