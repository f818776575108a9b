/** The versions of the signed statements. */
export const RECEIPT_VERSION = '1.0';
export const GRANT_VERSION = '1.0';
export const PAYOUT_VERSION = '1.0';
export const VERIFICATION_VERSION = '1.0';
export const RESTORE_VERSION = '1.0';
