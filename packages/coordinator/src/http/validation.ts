import type { ErrorCode } from '@aitbc/protocol';
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifyInstance, FastifySchemaValidationError } from 'fastify';
import type { ErrorInfo } from '../errors.ts';
import { nearestName, type ObjectSchema } from '../nearest-name.ts';
import { fillRaw } from '../raw.ts';

/** Bodies are taken as they are; text from paths, queries and headers is turned into the schema's type. */
export function checkRequests(app: FastifyInstance): void {
  const shared = {
    useDefaults: true,
    allErrors: false,
    strict: false,
    strictNumbers: true,
    // One that is part of another may be compiled before or after it: nothing refers to either by name.
    addUsedSchema: false,
    // Errors say what the schema knows, for the name that was meant.
    verbose: true,
  } as const;
  const strict = withFormats(new Ajv(shared));
  const coercing = withFormats(new Ajv({ ...shared, coerceTypes: true }));
  app.setValidatorCompiler<object>(({ schema, httpPart }) =>
    httpPart === 'body'
      ? validateOnceNeeded(() => strict.compile(schema))
      : failingOnInfinity(validateOnceNeeded(() => coercing.compile(schema))),
  );
}

/**
 * Compiles what a route checks when its first request comes, not for all routes before the coordinator listens: that
 * would be half of what a start costs.
 */
function validateOnceNeeded(compile: () => ValidateFunction) {
  let compiled: ValidateFunction | undefined;
  const validate = Object.assign(
    (data: unknown) => {
      compiled ??= compile();
      const isValid = compiled(data);
      validate.errors = compiled.errors;
      return isValid;
    },
    { errors: undefined as ValidateFunction['errors'] },
  );
  return validate;
}

/** Text such as `1e400` is turned into a number that passes every limit: Ajv compares finite ones only. */
function failingOnInfinity(check: ReturnType<typeof validateOnceNeeded>) {
  const validate = Object.assign(
    (data: unknown) => {
      const isValid = check(data);
      const infinite = Object.entries(Object(data)).find(
        ([, value]) => typeof value === 'number' && !Number.isFinite(value),
      );
      validate.errors = infinite ? [beyondAnyNumber(infinite[0])] : check.errors;
      return isValid && !infinite;
    },
    { errors: undefined as ValidateFunction['errors'] },
  );
  return validate;
}

const beyondAnyNumber = (name: string): ErrorObject => ({
  keyword: 'maximum',
  instancePath: `/${name}`,
  schemaPath: '',
  params: {},
  message: 'must be a number that JSON libraries have',
});

/** Likewise what a route answers. */
export function writeAnswers(app: FastifyInstance): void {
  const compile = SerializerSelector()();
  app.setSerializerCompiler(({ schema, method, url, httpStatus = '' }) => {
    let write: ((answer: unknown) => string) | undefined;
    return answer => {
      write ??= compile({ schema, method, url, httpStatus });
      return fillRaw(write(answer));
    };
  });
}

function withFormats(ajv: Ajv): Ajv {
  // The CommonJS module's function sits on its `default` when it is imported from an ES module.
  addFormats.default(ajv);
  return ajv;
}

const CODES: Record<string, ErrorCode> = {
  required: 'VALIDATION_MISSING_FIELD',
  type: 'VALIDATION_INVALID_TYPE',
  pattern: 'VALIDATION_INVALID_FORMAT',
  format: 'VALIDATION_INVALID_FORMAT',
  enum: 'VALIDATION_INVALID_FORMAT',
  const: 'VALIDATION_INVALID_FORMAT',
  additionalProperties: 'VALIDATION_UNKNOWN_FIELD',
};

/** The first thing that is wrong, by the field's dotted name. */
export function validationError(errors: readonly FastifySchemaValidationError[], where = 'body'): ErrorInfo {
  const error = errors[0];
  const missing = error?.keyword === 'required' ? String(error.params.missingProperty) : undefined;
  const unknown =
    error?.keyword === 'additionalProperties' ? String(error.params.additionalProperty) : undefined;
  const parts = [...(error?.instancePath ?? '').split('/').slice(1), ...[missing ?? unknown ?? []].flat()];
  const field = parts.map(part => part.replaceAll('~1', '/').replaceAll('~0', '~')).join('.');
  const code = codeOf(error?.keyword ?? '', field);
  const name = field || `the ${where}`;
  if (missing !== undefined) return { code, detail: `${name} is missing`, field };
  if (unknown !== undefined)
    return { code, detail: unknownField(name, unknown, error as ErrorObject), field };
  return { code, detail: `${name} ${messageOf(error)}`, ...(field && { field }) };
}

function codeOf(keyword: string, field: string): ErrorCode {
  const code = CODES[keyword] ?? 'VALIDATION_OUT_OF_RANGE';
  const ofModel = /(^|\.)(model|capabilities\.\d+)$/.test(field);
  if (ofModel && code !== 'VALIDATION_MISSING_FIELD' && code !== 'VALIDATION_INVALID_TYPE')
    return 'VALIDATION_INVALID_MODEL';
  return code;
}

function unknownField(name: string, unknown: string, { parentSchema }: ErrorObject): string {
  const nearest = nearestName(unknown, (parentSchema ?? {}) as ObjectSchema);
  return nearest === undefined ? `${name} is not known` : `${name} is not known: did you mean ${nearest}?`;
}

function messageOf(error: FastifySchemaValidationError | undefined): string {
  if (!error) return 'is invalid';
  if (error.keyword === 'enum')
    return `must be one of ${(error.params.allowedValues as unknown[]).join(', ')}`;
  return error.message ?? 'is invalid';
}
