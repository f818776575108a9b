import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatVkey, signerFromSeed, verifierKey } from '@aitbc/tlog';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, flagOf, OPTIONS, type OptionName, readConfig, variableOf } from '../src/index.ts';
import { readTiers } from '../src/limits/tiers.ts';
import { refusal } from './harness/answers.ts';
import { startTestCoordinator } from './harness/coordinator.ts';
import { ENGINES, type Engine } from './harness/engines.ts';

interface Option {
  kind: (typeof OPTIONS)[OptionName]['kind'];
  default: unknown;
  minimum?: number;
  maximum?: number;
  choices?: readonly string[];
}

const NAMES = Object.keys(OPTIONS) as OptionName[];
const optionOf = (name: OptionName): Option => OPTIONS[name];

// What is configured is the same on every engine.
const engine = ENGINES[0] as Engine;

const witness = (name: string, seed: number) => {
  const { keyId } = signerFromSeed(new Uint8Array(32).fill(seed));
  return `https://${name}=${formatVkey(verifierKey(name, 'cosignature/v1', keyId))}`;
};
const [ALICE, BOB] = [witness('alice.example', 1), witness('bob.example', 2)];

/** `maxBatch` as a configuration file names it. */
const settingOf = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

/** Values that an option may have and that are not its default, as text and as what becomes of it. */
function valuesOf({
  kind,
  default: standard,
  choices,
  minimum = 0,
  maximum = 0,
}: Option): [string, unknown][] {
  switch (kind) {
    case 'switch':
      return [
        ['true', true],
        ['1', true],
      ];
    case 'rates':
      return [
        ['llama3.2=0.02,org/m=a:7b=3', { 'llama3.2': 0.02, 'org/m=a:7b': 3 }],
        ['m=0', { m: 0 }],
      ];
    case 'aliases':
      return [
        ['gpt-4o=llama3.2,org/m=a:7b', { 'gpt-4o': 'llama3.2', 'org/m': 'a:7b' }],
        ['a=b,b=c', { a: 'c', b: 'c' }],
      ];
    case 'witnesses':
      return [
        [ALICE, [ALICE]],
        [`${ALICE}  ${BOB}`, [ALICE, BOB]],
      ];
    case 'networks':
      return [
        ['10.0.0.0/8', ['10.0.0.0/8']],
        ['127.0.0.1, fd00::/8', ['127.0.0.1', 'fd00::/8']],
      ];
    case 'tiers':
      return [
        [
          '{"default":{"pending":7},"gold":{"waits":2}}',
          readTiers({ default: { pending: 7 }, gold: { waits: 2 } }),
        ],
        ['{"default":{"jobs_per_second":3}}', readTiers({ default: { jobs_per_second: 3 } })],
      ];
    case 'proxies':
      return [
        ['true', 1],
        ['2', 2],
        ['10.0.0.0/8, loopback', ['10.0.0.0/8', 'loopback']],
      ];
    case 'text':
      return (choices ?? ['one', 'two', 'three'])
        .filter(value => value !== standard)
        .map(text => [text, text]);
    default:
      return [minimum, maximum, (minimum + maximum) / 2]
        .map(value => (kind === 'integer' ? Math.floor(value) : value))
        .filter(value => value !== standard)
        .map(value => [String(value), value]);
  }
}

/** What an option refuses, and why. */
function wrongValuesOf({ kind, choices, minimum = 0, maximum = 0 }: Option): [unknown, string][] {
  const range = `must be from ${minimum} to ${maximum}, not`;
  switch (kind) {
    case 'switch':
      return [['yes', 'must be true or false, not "yes"']];
    case 'tiers':
      return [
        ['many', 'must be JSON'],
        ['[]', 'must be an object of tiers by name'],
        ['{"gold":{"wishes":3}}', 'has the unknown limit wishes in gold'],
        ['{"gold":{"pending":0}}', 'must have a whole number from 1 to'],
        ['{"a b":{}}', 'whose name must be'],
      ];
    case 'proxies':
      return [
        ['nginx', 'must be a number of proxies or their networks, such as 10.0.0.0/8,loopback, not "nginx"'],
        ['33', 'must be from 0 to 32, not 33'],
      ];
    case 'networks':
      return [
        ['', 'must be networks such as 10.0.0.0/8, not ""'],
        [7, 'must be networks such as 10.0.0.0/8, not 7'],
        ['10.0.0.0/33', 'must be networks such as 10.0.0.0/8, not "10.0.0.0/33"'],
        ['intranet', 'must be networks such as 10.0.0.0/8, not "intranet"'],
      ];
    case 'rates':
      return [
        ...['0.02', 'a', 'a=1,b', '=1', ''].map(
          value => [value, 'must be MODEL=CREDITS,…, not'] as [string, string],
        ),
        ['a=', 'must be a number, not ""'],
        ['a=x', 'must be a number, not "x"'],
        ['a=-1', 'must be from 0 to 1000000, not -1'],
      ];
    case 'aliases':
      return [
        ...['a', 'a=b,c', '=b', 'a=', ''].map(
          value => [value, 'must be ALIAS=MODEL,…, not'] as [string, string],
        ),
        [[7], 'must be ALIAS=MODEL,…, not [7]'],
        ['a=b c', 'must name models by 1 to 128 printable ASCII characters without spaces, not "b c"'],
        [['a=b', 'a=c'], 'has two models for the alias a'],
        ['a=b,b=c,c=a', 'leads in a circle: a → b → c → a'],
        ['a=a', 'leads in a circle: a → a'],
        [Array.from({ length: 1_001 }, (_, at) => `a${at}=m`), 'must have at most 1000 aliases, not 1001'],
      ];
    case 'witnesses':
      return [
        ['', 'must be URL=VKEY, not ""'],
        [7, 'must be URL=VKEY, not 7'],
        [[7], 'must be URL=VKEY, not [7]'],
        ['https://witness.example', 'must be URL=VKEY, not "https://witness.example"'],
        ['https://witness.example=key', 'must have a verifier key behind the =: "key" is no verifier key'],
        [`${ALICE} ${ALICE}`, 'must not be twice the same'],
        [Array.from({ length: 15 }, () => ALICE), 'must be 14 at most, not 15'],
      ];
    case 'text':
      if (choices) return [['other', `must be one of ${choices.join(', ')}, not "other"`]];
      return [
        ['', 'must be a text'],
        [7, 'must be a text'],
      ];
    default:
      return [
        ['many', `must be a ${kind === 'integer' ? 'whole ' : ''}number, not "many"`],
        [' ', 'number, not " "'],
        ['Infinity', 'number, not "Infinity"'],
        [String(minimum - 1), range],
        [String(maximum + 1), range],
        ...(kind === 'integer' ? [[`${minimum}.5`, 'must be a whole number'] as [string, string]] : []),
      ];
  }
}

let folder = '';
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aitbc-configuration-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileOf(settings: unknown): Promise<string> {
  const file = join(folder, `${++files}.json`);
  await writeFile(file, JSON.stringify(settings));
  return file;
}

test('an option is named alike on the command line and in the environment', () => {
  expect(flagOf('batchBodyLimit')).toBe('--batch-body-limit');
  expect(variableOf('batchBodyLimit')).toBe('AITBC_BATCH_BODY_LIMIT');
});

test('nothing needs to be given', () => {
  const defaults = Object.fromEntries(NAMES.map(name => [name, optionOf(name).default]));
  expect(readConfig()).toEqual(defaults);
});

test('an empty variable is as good as none', () => {
  const env = Object.fromEntries(NAMES.map(name => [variableOf(name), '']));
  expect(readConfig({ env })).toEqual(readConfig());
});

describe.each(NAMES)('the option %s', name => {
  const option = optionOf(name);

  test.each(valuesOf(option))('can be %s', async (text, value) => {
    const file = await fileOf({ [settingOf(name)]: value });
    expect(readConfig({ given: { [name]: text } })[name]).toEqual(value);
    expect(readConfig({ env: { [variableOf(name)]: text } })[name]).toEqual(value);
    expect(readConfig({ file })[name]).toEqual(value);
  });

  test('is what the flag says, then the variable, then the file', async () => {
    const [first, second = first] = valuesOf(option);
    const other = option.kind === 'switch' ? ['false', false] : second;
    const file = await fileOf({ [settingOf(name)]: other?.[1] });
    const env = { [variableOf(name)]: first?.[0] };
    const given = { [name]: other?.[0] };
    expect(readConfig({ env, file })[name]).toEqual(first?.[1]);
    expect(readConfig({ given, env, file })[name]).toEqual(other?.[1]);
  });

  test.each(wrongValuesOf(option))(
    'can not be %j, and the error names it as it was given',
    async (wrong, why) => {
      const file = await fileOf({ [settingOf(name)]: wrong });
      const attempt = (sources: Parameters<typeof readConfig>[0]) => {
        try {
          return readConfig(sources);
        } catch (error) {
          return error;
        }
      };
      const errors: [unknown, string][] = [
        [attempt({ given: { [name]: wrong } }), flagOf(name)],
        [attempt({ file }), `${settingOf(name)} in ${file}`],
      ];
      if (typeof wrong === 'string' && wrong !== '')
        errors.push([attempt({ env: { [variableOf(name)]: wrong } }), variableOf(name)]);
      for (const [error, source] of errors) {
        expect(error).toBeInstanceOf(ConfigError);
        const { message } = error as Error;
        expect(message).toContain(why);
        expect(message.slice(0, source.length)).toBe(source);
      }
    },
  );
});

describe('the configuration file', () => {
  test.each([[[]], [null], ['port'], [8000]])('can not be %j', async settings => {
    const file = await fileOf(settings);
    expect(() => readConfig({ file })).toThrow(`--config ${file} must hold a JSON object`);
  });

  test('knows options by no other spelling', async () => {
    const file = await fileOf({ maxBatch: 5 });
    expect(() => readConfig({ file })).toThrow(`maxBatch in ${file} is no option`);
  });

  test('can not give null for an option', async () => {
    const file = await fileOf({ port: null });
    expect(() => readConfig({ file })).toThrow(`port in ${file} must be a whole number, not null`);
  });

  test.each([[['a']], [{ a: null }], [{ a: 'x' }], [{ '': 1 }], [5]])(
    'can not hold the rates %j',
    async rates => {
      const file = await fileOf({ rates });
      expect(() => readConfig({ file })).toThrow(/^rates in .* must be/);
    },
  );
});

test('the name in receipts is printable ASCII', () => {
  expect(() => readConfig({ given: { coordinatorId: 'Köln' } })).toThrow(
    '--coordinator-id must have printable ASCII characters only, since receipts contain it',
  );
});

test('a database that it does not know is named', async () => {
  await expect(startTestCoordinator(engine, { databaseUrl: 'oracle://host/db' })).rejects.toThrow(
    /^--database-url: .* oracle/,
  );
});

const hasIpv6 = Object.values(networkInterfaces()).some(addresses =>
  addresses?.some(({ address }) => address === '::1'),
);

describe.each([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ...(hasIpv6
    ? ([
        ['::1', true],
        ['::', false],
      ] as const)
    : []),
] as const)('on the address %s', (host, isLocal) => {
  async function answerWithoutKey(mode: string) {
    const coordinator = await startTestCoordinator(engine, { host, mode });
    try {
      const answer = await coordinator.call('GET', '/v1/jobs');
      expect(coordinator.running.open).toBe(answer.status === 200);
      return answer.status === 200 ? 'serves' : refusal(answer);
    } finally {
      await coordinator.stop();
    }
  }

  test(isLocal ? 'it needs no keys unless told' : 'it needs keys unless told', async () => {
    expect(await answerWithoutKey('auto')).toEqual(isLocal ? 'serves' : [401, 'AUTH_MISSING_KEY']);
  });

  test('it is open or keyed when told', async () => {
    expect(await answerWithoutKey('open')).toBe('serves');
    expect(await answerWithoutKey('keyed')).toEqual([401, 'AUTH_MISSING_KEY']);
  });
});
