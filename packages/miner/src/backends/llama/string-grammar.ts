import { repeated } from './gbnf.ts';
import { anyCharacter, PatternError, patternGrammar } from './pattern-grammar.ts';
import { SchemaError, unsupported } from './schema-error.ts';
import type { SchemaObject } from './schema-merge.ts';
import type { SchemaPlace } from './schema-place.ts';

const DATE =
  '\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))';
const TIME = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)';
const BYTE = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const HOST = `${LABEL}(\\.${LABEL}){0,3}`;
const PATH = "([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-F]{2})*";

/**
 * Formats of JSON Schema (https://json-schema.org/draft/2020-12/json-schema-validation), each as a pattern.
 */
const FORMATS: Record<string, string> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  duration:
    'P(\\d{1,4}D|\\d{1,4}W|\\d{1,4}DT\\d{1,4}[HMS]|T\\d{1,4}[HMS]|T\\d{1,4}H\\d{1,2}M|T\\d{1,4}M\\d{1,2}S)',
  email: `[A-Za-z0-9]+([._+-][A-Za-z0-9]+)*@${LABEL}(\\.${LABEL}){1,3}`,
  hostname: HOST,
  ipv4: `${BYTE}(\\.${BYTE}){3}`,
  ipv6: '[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}',
  uri: `https?://(${LABEL}\\.){1,3}[a-z]{2,6}(/${PATH})?`,
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
};
const ALIASES: Record<string, string> = {
  ...{ 'idn-email': 'email', 'idn-hostname': 'hostname', url: 'uri', iri: 'uri', 'uri-reference': 'uri' },
  ...{ 'iri-reference': 'uri', uuid4: 'uuid' },
};

/** Formats that describe a text's purpose rather than its characters. */
const FREE = [
  'password',
  'path',
  'file-path',
  'directory-path',
  'text',
  'textarea',
  'markdown',
  'html',
  'binary',
];

/** Returns a JSON string that satisfies the schema's string keywords. */
export function stringGrammar(said: SchemaObject, place: SchemaPlace): string | null {
  const { minLength = 0, maxLength = Infinity, format } = said;
  const { grammar, path } = place;
  const lengths = { min: Number(minLength), max: Number(maxLength) };
  if (lengths.min > lengths.max) return null;
  const ofFormat = patternOf(format, path);
  if (ofFormat !== undefined && said.pattern !== undefined)
    unsupported('pattern', path, 'not together with a "format"');
  const pattern = ofFormat ?? said.pattern;
  if (pattern === undefined) {
    const character = anyCharacter(grammar);
    return grammar.rule(`"\\"" ${repeated(grammar, character, lengths.min, lengths.max)} "\\""`);
  }
  try {
    return grammar.rule(`"\\"" ${patternGrammar(grammar, String(pattern), lengths)} "\\""`);
  } catch (error) {
    const keyword = ofFormat === undefined ? 'pattern' : 'format';
    if (error instanceof PatternError) unsupported(keyword, path, error.message);
    const why = error instanceof Error ? error.message : String(error);
    throw new SchemaError('invalid', `"${keyword}" at ${path} is not a regular expression: ${why}`);
  }
}

function patternOf(format: unknown, path: string): string | undefined {
  if (format === undefined || FREE.includes(String(format))) return undefined;
  const name = ALIASES[String(format)] ?? String(format);
  const pattern = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  return pattern === undefined
    ? unsupported('format', path, `the format ${name} is not known`)
    : `^(${pattern})$`;
}
