/** What is wrong with a JSON schema, or can't be held to, with the place in it as a JSON pointer: `#/properties/age`. */
export class SchemaError extends Error {
  override name = 'SchemaError';
  /** `invalid`: nothing could hold to it. `unsupported`: a grammar can't, though others may. */
  readonly kind: 'invalid' | 'unsupported';

  constructor(kind: SchemaError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export function unsupported(keyword: string, path: string, why = 'a grammar can not hold to it'): never {
  throw new SchemaError('unsupported', `"${keyword}" at ${path} is not supported: ${why}`);
}
