import type { ErrorCode } from '@aitbc/protocol';
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifyInstance, FastifySchemaValidationError } from 'fastify';
import type { ErrorInfo } from '../errors.ts';
import { nearestName, type ObjectSchema } from '../nearest-name.ts';
import { fillRaw } from '../raw.ts';

/*
 * Many routes share a schema, that of errors above all, and a process may serve several coordinators. Compiling a schema
 * takes milliseconds, so it is done once for each process.
 */

const SHARED = {
  useDefaults: true,
  allErrors: false,
  strict: false,
  strictNumbers: true,
  // Schemas are not registered by name, so one that is part of another may be compiled in any order.
  addUsedSchema: false,
  // Errors include the schema, whose names are suggested for an unknown one.
  verbose: true,
} as const;

const compileBody = oncePerSchema(() => {
  const ajv = withFormats(new Ajv(SHARED));
  return (schema: object) => ajv.compile(schema);
});

const compileText = oncePerSchema(() => {
  const ajv = withFormats(new Ajv({ ...SHARED, coerceTypes: true }));
  return (schema: object) => ajv.compile(schema);
});

const compileAnswer = oncePerSchema(() => {
  const compile = SerializerSelector()();
  return (schema: object) => compile({ schema, method: '', url: '', httpStatus: '' });
});

/** Compiles each schema once. Schemas are the same when their JSON is, as routes may build theirs anew for each app. */
function oncePerSchema<Compiled>(createCompiler: () => (schema: object) => Compiled) {
  let compile: ((schema: object) => Compiled) | undefined;
  const compiled = new Map<string, Compiled>();
  return (schema: object): Compiled => {
    const text = JSON.stringify(schema);
    const known = compiled.get(text);
    if (known !== undefined) return known;
    compile ??= createCompiler();
    const made = compile(schema);
    compiled.set(text, made);
    return made;
  };
}

/** Validates requests. Text of paths, queries and headers is converted to the schema's types; bodies are not converted. */
export function checkRequests(app: FastifyInstance): void {
  app.setValidatorCompiler<object>(({ schema, httpPart }) =>
    httpPart === 'body'
      ? compileWhenNeeded(() => compileBody(schema))
      : rejectingInfinity(compileWhenNeeded(() => compileText(schema))),
  );
}

/** Compiles a route's validator at its first request. Compiling all of them would double the time of a start. */
function compileWhenNeeded(compile: () => ValidateFunction) {
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

/** Rejects text such as `1e400`, which becomes Infinity. Ajv checks the limits of finite numbers only. */
function rejectingInfinity(check: ReturnType<typeof compileWhenNeeded>) {
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
  message: 'must be a number that JSON libraries can represent',
});

/** Compiles a route's serializer at its first response. */
export function writeAnswers(app: FastifyInstance): void {
  app.setSerializerCompiler<object>(({ schema }) => {
    let write: ((answer: unknown) => string) | undefined;
    return answer => {
      write ??= compileAnswer(schema);
      return fillRaw(write(answer));
    };
  });
}

function withFormats(ajv: Ajv): Ajv {
  // Imported from an ES module, the CommonJS module's function is its property `default`.
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

/** The first validation error, with the dotted name of its field. */
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
  const ofModel = /(^|\.)(model|models\.\d+|capabilities\.\d+)$/.test(field);
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
