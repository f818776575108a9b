/**
 * A fault in a JSON schema, or a keyword that can not be enforced. The message has the place as a JSON
 * pointer: `#/properties/age`.
 */
export class SchemaError extends Error {
  override name = 'SchemaError';
  /** `invalid`: no engine can enforce it. `unsupported`: a grammar can not, though other engines may. */
  readonly kind: 'invalid' | 'unsupported';

  constructor(kind: SchemaError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export function unsupported(keyword: string, path: string, why = 'a grammar can not enforce it'): never {
  throw new SchemaError('unsupported', `"${keyword}" at ${path} is not supported: ${why}`);
}
