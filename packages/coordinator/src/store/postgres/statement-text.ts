import { createHash } from 'node:crypto';

/** A statement, and the values of its parameters `$1`, `$2`, …. */
export interface StatementPart {
  sql: string;
  values: readonly unknown[];
}

/** Remembers the results for all arguments. The coordinator has a limited number of different statements. */
function memoize<Result>(compute: (sql: string) => Result): (sql: string) => Result {
  const results = new Map<string, Result>();
  return sql => {
    let result = results.get(sql);
    if (result === undefined) {
      result = compute(sql);
      results.set(sql, result);
    }
    return result;
  };
}

/** The name under which a statement is prepared. It is a hash, since PostgreSQL cuts names after 63 bytes. */
export const statementName = memoize(sql => createHash('sha256').update(sql).digest('base64url'));

/** Replaces each `?` of a statement by `$1`, `$2`, …. */
export const numberParameters = memoize(sql => {
  let count = 0;
  return sql.replace(/\?/g, () => `$${++count}`);
});

const joinedByParts = new Map<string, string>();

/** Joins several statements into one. The parameters of each continue the numbers of those before it. */
export function joinStatements(parts: readonly string[]): string {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const key = parts.join(';');
  let text = joinedByParts.get(key);
  if (text === undefined) {
    let used = 0;
    const statements = parts.map((part, index) => {
      const offset = used;
      const shifted = part.replace(/\$(\d+)/g, (_, digits) => {
        used = Math.max(used, offset + Number(digits));
        return `$${offset + Number(digits)}`;
      });
      return `write_${index} AS (${shifted})`;
    });
    text = `WITH ${statements.join(', ')} SELECT 1`;
    joinedByParts.set(key, text);
  }
  return text;
}
