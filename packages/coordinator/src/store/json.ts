/*
 * Columns of JSON text. A text that the coordinator can't have written says nothing: whoever meets it goes on with the
 * rest, and what it belongs to is ended, or registered again, in its own place.
 */

function valueIn(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Undefined where the text is damaged. */
export function objectIn(json: string): Record<string, unknown> | undefined {
  const value = valueIn(json);
  return isObject(value) ? value : undefined;
}

/** Undefined where the text is damaged. */
export function stringsIn(json: string): string[] | undefined {
  const value = valueIn(json);
  return Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
