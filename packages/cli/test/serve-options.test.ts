import { flagOf, OPTIONS, type OptionName, variableOf } from '@aitbc/coordinator';
import { expect, test } from 'vitest';
import { aitbc } from './terminal.ts';

const NAMES = Object.keys(OPTIONS) as OptionName[];

test.each(NAMES)('`aitbc serve --help` tells the flag, the variable and the default of %s', async name => {
  const { stdout } = await aitbc(['serve', '--help']);
  const help = stdout.replace(/\s+/g, ' ');
  const { default: standard } = OPTIONS[name];
  expect(help).toContain(` ${flagOf(name)} `);
  const unlessGiven = ['string', 'number', 'boolean'].includes(typeof standard)
    ? `, default ${standard}`
    : '';
  expect(help).toContain(`(env ${variableOf(name)}${unlessGiven})`);
});

/** A switch takes no value, so it can not have a wrong one. */
const taking = NAMES.filter(name => OPTIONS[name].kind !== 'switch');

test.each(taking)('`aitbc serve` passes the flag of %s on, and ends where it can not be used', async name => {
  const wrong = OPTIONS[name].kind === 'text' ? '' : 'wrong';
  const { exitCode, stderr } = await aitbc(['serve', flagOf(name), wrong]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${flagOf(name)} must be`);
});
