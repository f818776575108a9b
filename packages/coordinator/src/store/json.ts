/*
 * Columns with JSON text. Damaged text reads as undefined, so that one bad row never fails the work on other rows. The
 * code that owns the row ends the job, or makes the miner register again.
 */

function parseOrUndefined(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Returns undefined where the text is not a JSON object. */
export function parseJsonObject(json: string): Record<string, unknown> | undefined {
  const value = parseOrUndefined(json);
  return isJsonObject(value) ? value : undefined;
}

/** Returns undefined where the text is not a JSON array of strings. */
export function parseStrings(json: string): string[] | undefined {
  const value = parseOrUndefined(json);
  return Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined;
}

export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
