import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { SchemaError } from './schema-error.ts';
import { isObject, type Schema } from './schema-merge.ts';

/*
 * Whether a schema is one, and whether a value is valid by it. Formats and patterns are left to the grammar, which
 * holds to them exactly: a client's pattern could keep the matching of JavaScript busy without an end.
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
  /** Why the last value was not valid. */
  error(): string;
}

/** Made when first needed: they read the schemas of their dialects. */
let dialects: readonly [Ajv2020, Ajv] | undefined;

/** @throws {SchemaError} where the schema is not one of the drafts 2020-12 and 7 */
export function checkerOf(schema: Schema): Checker {
  const named = isObject(schema) ? withoutNames(schema) : schema;
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
    // It would keep all schemas that it ever saw.
    if (isObject(schema)) ajv.removeSchema(schema);
  }
}

const invalid = (why: string) => new SchemaError('invalid', `It is not a JSON schema: ${why}`);

/** A schema's own name, or that of its dialect, must not make it another one. */
const withoutNames = ({ $schema: _, $id: __, ...schema }: Record<string, unknown>) => schema;
