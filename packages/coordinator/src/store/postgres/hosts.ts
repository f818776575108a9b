/** The servers that a URL names, of which one takes writes at a time. */
export interface Hosts {
  /** A URL for each, without what only this program understands. */
  readonly urls: readonly string[];
  /** Whether a server must take writes to be connected to. */
  readonly mustWrite: boolean;
  /** The one that was good last. */
  current: number;
}

const byUrl = new Map<string, Hosts>();

/**
 * Reads a URL as libpq does: `postgres://user@one:5432,two:5432/db?target_session_attrs=read-write`. Answers the same object
 * for the same URL, so that all connections know which server is the good one.
 *
 * @throws for several hosts without a word on which of them is wanted, and for such a word that can't be meant
 */
export function hostsOf(url: string): Hosts {
  const known = byUrl.get(url);
  if (known) return known;
  const [, scheme = '', authority = '', rest = ''] = /^([a-z]+:\/\/)([^/?#]*)(.*)$/i.exec(url) ?? [];
  const at = authority.lastIndexOf('@') + 1;
  const [login, names] = [authority.slice(0, at), authority.slice(at).split(',')];
  const [path = '', query = ''] = rest.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const wanted = parameters.get('target_session_attrs');
  if (wanted !== null && !['any', 'read-write', 'primary'].includes(wanted)) {
    throw new Error(
      `target_session_attrs=${wanted} is of no use, as a coordinator writes: it must be read-write`,
    );
  }
  const mustWrite = wanted === 'read-write' || wanted === 'primary';
  if (names.length > 1 && !mustWrite) {
    throw new Error(
      'it names several hosts, of which only one takes writes: add target_session_attrs=read-write to it',
    );
  }
  if (parameters.get('host')?.includes(',')) {
    throw new Error(
      'several hosts must stand before the name of the database: postgres://one:5432,two:5432/db',
    );
  }
  parameters.delete('target_session_attrs');
  const recent = parameters.size === 0 ? '' : `?${parameters}`;
  const urls = wanted === null ? [url] : names.map(name => `${scheme}${login}${name}${path}${recent}`);
  const hosts = { urls, mustWrite, current: 0 };
  byUrl.set(url, hosts);
  return hosts;
}

/** Takes the next one for the good one, unless somebody else has found another already. */
export function giveUpHost(hosts: Hosts, index: number): void {
  if (hosts.current === index) hosts.current = (index + 1) % hosts.urls.length;
}
