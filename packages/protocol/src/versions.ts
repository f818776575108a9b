/** The versions of what coordinators sign. */
export const RECEIPT_VERSION = '1.0';
export const GRANT_VERSION = '1.0';
export const RESTORE_VERSION = '1.0';
