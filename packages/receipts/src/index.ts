export {
  decodePublicKey,
  encodePublicKey,
  generateSigner,
  isPublicKey,
  type SeedSigner,
  type Signer,
  signerFromSeed,
} from '@aitbc/tlog/ed25519';
export { addressFault, addressFromLabel, addressFromPublicKey, isAddress } from './addresses.ts';
export { type Attestation, attestationBytes, signAttestation, verifyAttestation } from './attestation.ts';
export { canonicalBytes, canonicalJson } from './canonical-json.ts';
export type { Check, TrustedKey, VerifyOptions } from './checks.ts';
export { microCredits, microPrice, roundCredits } from './credits.ts';
export { type Disclosure, type DisclosureMatch, textHash, verifyDisclosure } from './disclosure.ts';
export { drawInput, isDrawn } from './draws.ts';
export {
  GRANT_CHECKS,
  type GrantCheck,
  type GrantVerification,
  grantBytes,
  grantEntry,
  signGrant,
  verifyGrant,
} from './grants.ts';
export { parseCanonicalJson, parseStrictJson } from './parse-json.ts';
export {
  passportBytes,
  passportDigest,
  type SignedPassport,
  signPassport,
  verifyPassport,
} from './passports.ts';
export {
  PAYOUT_UPDATE_CHECKS,
  type PayoutAnswer,
  type PayoutUpdateCheck,
  type PayoutUpdateVerification,
  payoutAnswerBytes,
  payoutEntry,
  signPayout,
  signPayoutAnswer,
  signPayoutUpdate,
  verifyPayout,
  verifyPayoutAnswer,
  verifyPayoutUpdate,
} from './payouts.ts';
export {
  RECEIPT_CHECKS,
  type ReceiptCheck,
  receiptBytes,
  receiptEntry,
  signReceipt,
  signReceiptJson,
  type Verification,
  verifyReceipt,
} from './receipts.ts';
export {
  type RegistrationStatement,
  registrationBytes,
  signRegistration,
  verifyRegistration,
} from './registration.ts';
export {
  type BalanceTotals,
  createBalanceTotals,
  restoreEntry,
  signOpening,
  signRestore,
  verifyOpening,
  verifyRestore,
} from './restores.ts';
export {
  isGrant,
  isOpening,
  isPayout,
  isPayoutUpdate,
  isReceipt,
  isRestore,
  isVerification,
  type Statement,
  type Transfer,
  transferOf,
} from './transfers.ts';
export {
  scoresHash,
  signVerification,
  verificationEntry,
  verifyVerification,
} from './verifications.ts';
export {
  type EntryVerification,
  STATEMENT_KINDS,
  statementEntry,
  verifyEntry,
  verifyStatement,
} from './verify-entry.ts';
