import { malformed, TlogError } from './errors.ts';
import { quote, readDecimal, readText, type TextSource } from './text-format.ts';
import { formatVkey, parseVkey, type VerifierKey } from './vkeys.ts';

/** The name of a quorum that demands no witness. */
const NONE = 'none';
const DELETE = '\x7f';
const MAX_LINES = 1000;

/** Whose signatures the checkpoints of some logs need (C2SP tlog-policy). */
export interface Policy {
  /** One of these logs must have signed. The name of a log's key is its origin. */
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** In an order in which each group comes after its members. */
  readonly groups: readonly PolicyGroup[];
  /** The name of the witness or group that must have cosigned; null when none must. */
  readonly quorum: string | null;
}

export interface PolicyLog {
  readonly key: VerifierKey;
  /** The address of the log. */
  readonly url?: string;
}

export interface PolicyWitness {
  /** The name that groups and quorum use. It means nothing outside the policy. */
  readonly name: string;
  /** A key of type cosignature/v1. */
  readonly key: VerifierKey;
  /** The address where the witness takes checkpoints. */
  readonly url?: string;
}

export interface PolicyGroup {
  /** No witness has this name. */
  readonly name: string;
  /** How many of the members must have cosigned, at least 1. */
  readonly threshold: number;
  /** Names of witnesses and groups. Each may be in one group only. */
  readonly members: readonly string[];
}

/**
 * Parses a policy file.
 *
 * @param source text, or its bytes. They must be UTF-8 here, which the format only recommends
 * @throws TlogError MALFORMED; UNSUPPORTED_KEY for keys of other types than Ed25519 and cosignature/v1
 */
export function parsePolicy(source: TextSource): Policy {
  const text = readText(withoutTabs(source));
  if (text.includes(DELETE)) throw malformed('Control characters are not allowed');
  const lines = text.split('\n');
  if (lines.pop() !== '') throw malformed('The last line does not end in a newline');
  if (lines.length > MAX_LINES) throw malformed(`There are more than ${MAX_LINES} lines`);
  const reading: Reading = { logs: [], witnesses: [], groups: [], quorum: undefined };
  lines.forEach((line, index) => {
    const [keyword, ...items] = line.split(' ').filter(item => item !== '');
    if (keyword === undefined || keyword.startsWith('#')) return;
    inLine(index + 1, () => readLine(keyword, items, reading));
  });
  const { quorum, ...rest } = reading;
  if (quorum === undefined) throw malformed('There is no quorum line: «quorum none» demands no witness');
  return { ...rest, quorum };
}

/**
 * Returns the policy as text.
 *
 * @throws TlogError as {@link parsePolicy}, when the policy is not valid
 */
export function formatPolicy({ logs, witnesses, groups, quorum }: Policy): string {
  const lines = [
    ...logs.map(({ key, url }) => ['log', formatVkey(key), url]),
    ...witnesses.map(({ name, key, url }) => ['witness', name, formatVkey(key), url]),
    ...groups.map(({ name, threshold, members }) => ['group', name, threshold, ...members]),
    ['quorum', quorum ?? NONE],
  ];
  const items = lines.map(line => line.filter(item => item !== undefined).map(String));
  const broken = items.flat().find(item => /^$|[ \t\n]/.test(item));
  if (broken !== undefined) throw malformed(`${quote(broken)} can't stand in a policy: it is not one word`);
  const text = items.map(line => `${line.join(' ')}\n`).join('');
  parsePolicy(text);
  return text;
}

/** Whether the signatures meet the policy's quorum. */
export function meetsQuorum(policy: Policy, hasSigned: (key: VerifierKey) => boolean): boolean {
  const { witnesses, groups, quorum } = policy;
  const cosigners = new Set(witnesses.filter(({ key }) => hasSigned(key)).map(({ name }) => name));
  for (const { name, threshold, members } of groups) {
    if (members.filter(member => cosigners.has(member)).length >= threshold) cosigners.add(name);
  }
  return quorum === null || cosigners.has(quorum);
}

interface Reading {
  logs: PolicyLog[];
  witnesses: PolicyWitness[];
  groups: PolicyGroup[];
  /** Undefined until the quorum line is read. */
  quorum: string | null | undefined;
}

/** Replaces tabs by spaces, which separate words alike. No other control character is allowed. */
function withoutTabs(source: TextSource): TextSource {
  if (typeof source !== 'string') return source.map(byte => (byte === 0x09 ? 0x20 : byte));
  return source.replaceAll('\t', ' ');
}

function inLine(number: number, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new TlogError(error.code, `Line ${number}: ${error.message}`);
  }
}

function readLine(keyword: string, items: readonly string[], reading: Reading): void {
  const read = READERS.get(keyword);
  if (!read) throw malformed(`${quote(keyword)} is none of log, witness, group and quorum`);
  read(items, reading);
}

const READERS = new Map([
  ['log', readLog],
  ['witness', readWitness],
  ['group', readGroup],
  ['quorum', readQuorum],
]);

function readLog([vkey = '', url, ...rest]: readonly string[], { logs }: Reading): void {
  if (rest.length > 0) throw malformed('A log has a key and perhaps a URL');
  const key = parseVkey(vkey);
  checkNew(key, logs);
  logs.push({ key, ...(url === undefined ? {} : { url }) });
}

function readWitness([name = '', vkey = '', url, ...rest]: readonly string[], reading: Reading): void {
  if (rest.length > 0) throw malformed('A witness has a name, a key and perhaps a URL');
  checkFree(name, reading);
  const key = parseVkey(vkey);
  if (key.type !== 'cosignature/v1') throw malformed(`${quote(vkey)} is not a key for cosignatures`);
  checkNew(key, reading.witnesses);
  reading.witnesses.push({ name, key, ...(url === undefined ? {} : { url }) });
}

function readGroup([name = '', count = '', ...members]: readonly string[], reading: Reading): void {
  checkFree(name, reading);
  members.forEach((member, index) => {
    checkDefined(member, reading);
    const isMember = reading.groups.some(group => group.members.includes(member));
    if (isMember || members.indexOf(member) < index)
      throw malformed(`${quote(member)} is in a group already`);
  });
  reading.groups.push({ name, threshold: readThreshold(count, members.length), members });
}

function readThreshold(count: string, members: number): number {
  if (members === 0) throw malformed('A group has a name, a threshold and at least one member');
  if (count === 'all') return members;
  const threshold = count === 'any' ? 1 : readDecimal(count);
  if (threshold < 1 || threshold > members)
    throw malformed(`${count} of ${members} members can't be demanded`);
  return threshold;
}

function readQuorum([name = '', ...rest]: readonly string[], reading: Reading): void {
  if (rest.length > 0) throw malformed('A quorum is one name');
  if (reading.quorum !== undefined) throw malformed('There is a quorum already');
  if (name !== NONE) checkDefined(name, reading);
  reading.quorum = name === NONE ? null : name;
}

function checkNew({ publicKey }: VerifierKey, others: readonly { key: VerifierKey }[]): void {
  if (others.some(({ key }) => key.publicKey === publicKey)) throw malformed('The same key is there already');
}

function checkFree(name: string, reading: Reading): void {
  if (name === '' || name === NONE) throw malformed(`${quote(name)} can't be a name`);
  if (isDefined(name, reading)) throw malformed(`The name ${quote(name)} is taken`);
}

function checkDefined(name: string, reading: Reading): void {
  if (!isDefined(name, reading)) throw malformed(`No line before this one defines ${quote(name)}`);
}

function isDefined(name: string, { witnesses, groups }: Reading): boolean {
  return [...witnesses, ...groups].some(each => each.name === name);
}
