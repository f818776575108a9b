import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { SchemaError } from './schema-error.ts';
import { isSchemaObject, type Schema } from './schema-merge.ts';

/*
 * Checks whether a schema is valid, and whether a value satisfies it. Formats and patterns are left to the
 * grammar, which enforces them exactly. A client's pattern could keep JavaScript's matching busy forever.
 */

const OPTIONS = {
  strict: false,
  logger: false,
  validateFormats: false,
  multipleOfPrecision: 9,
  code: { regExp: Object.assign(() => ({ test: () => true }), { code: '() => ({ test: () => true })' }) },
} as const;

export interface Checker {
  isValid(value: unknown): boolean;
  /** Returns why the last value was not valid. */
  error(): string;
}

/** Created at the first use, as they parse the schemas of their dialects. */
let dialects: readonly [Ajv2020, Ajv] | undefined;

/** @throws {SchemaError} when the schema is neither draft 2020-12 nor draft 7 */
export function checkerOf(schema: Schema): Checker {
  const named = isSchemaObject(schema) ? withoutNames(schema) : schema;
  dialects ??= [new Ajv2020(OPTIONS), new Ajv(OPTIONS)];
  const ajv = dialects.find(each => each.validateSchema(named));
  if (!ajv) {
    const [newest] = dialects;
    newest.validateSchema(named);
    throw invalid(newest.errorsText(newest.errors, { dataVar: '#' }));
  }
  const validate = compiled(ajv, named);
  return {
    isValid: value => validate(value) === true,
    error: () => ajv.errorsText(validate.errors, { dataVar: '$' }),
  };
}

function compiled(ajv: Ajv | Ajv2020, schema: Schema) {
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  } finally {
    // Otherwise ajv would keep every schema forever.
    if (isSchemaObject(schema)) ajv.removeSchema(schema);
  }
}

const invalid = (why: string) => new SchemaError('invalid', `It is not a JSON schema: ${why}`);

/** The schema's own name, or its dialect's, must not change how it is read. */
const withoutNames = ({ $schema: _, $id: __, ...schema }: Record<string, unknown>) => schema;
