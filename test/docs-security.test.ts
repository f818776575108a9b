import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagOf, OPTIONS } from '@aitbc/coordinator';
import { ERROR_STATUS } from '@aitbc/protocol';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const model = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');

/** The tables of attacks, one after the other. */
const attacks = model
  .split('\n')
  .filter(line => line.startsWith('|') && line.split('|').length === 5)
  .map(line => line.split('|').map(cell => cell.trim()))
  .filter(([, attack]) => attack !== 'attack' && !/^-+$/.test(attack ?? ''));

test('the threat model has answers to attacks of each attacker', () => {
  const attackers = model.split('\n## ').slice(1);
  expect(attackers.length).toBeGreaterThan(6);
  for (const attacker of attackers) {
    expect(attacker).toContain('| attack ');
    expect(attacker).toContain('**Not answered:**');
  }
});

test.for(attacks)('%1$s: is shown by tests that there are', ([, , , shownBy = '']) => {
  const files = Array.from(shownBy.matchAll(/`([^`]+)`/g), ([, file = '']) => file);
  expect(files).not.toEqual([]);
  expect(files.filter(file => !file.endsWith('.test.ts') || !existsSync(join(ROOT, file)))).toEqual([]);
});

test('the threat model names options and errors that there are', () => {
  const flags = new Set(Object.keys(OPTIONS).map(name => flagOf(name)));
  const named = Array.from(model.matchAll(/`(--[a-z-]+)/g), ([, flag = '']) => flag);
  expect(named.filter(flag => !flags.has(flag) && flag !== '--json')).toEqual([]);
  const codes = Array.from(model.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g), ([, code = '']) => code);
  expect(codes.filter(code => !(code in ERROR_STATUS))).toEqual([]);
});
