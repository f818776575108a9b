/** One line of what was found out about a receipt. */
export interface Finding {
  name: string;
  /** null for what could not be checked, which is not wrong. */
  ok: boolean | null;
  detail: string;
}
