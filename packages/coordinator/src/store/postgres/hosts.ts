/** The servers that a URL names. One of them takes writes at a time. */
export interface PostgresHosts {
  /** One URL for each server, without the parameters that only this program understands. */
  readonly urls: readonly string[];
  /** Whether to connect only to a server that takes writes. */
  readonly mustBeWritable: boolean;
  /** Index of the server that worked last. */
  current: number;
}

const byUrl = new Map<string, PostgresHosts>();

/**
 * Reads a URL as libpq does: `postgres://user@one:5432,two:5432/db?target_session_attrs=read-write`. Returns the same
 * object for the same URL, so that all connections share which server worked last.
 *
 * @throws where several hosts have no `target_session_attrs`, or one that does not ask for a writable server
 */
export function parseHosts(url: string): PostgresHosts {
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
  const mustBeWritable = wanted === 'read-write' || wanted === 'primary';
  if (names.length > 1 && !mustBeWritable) {
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
  const hosts = { urls, mustBeWritable, current: 0 };
  byUrl.set(url, hosts);
  return hosts;
}

/** Moves on to the next server, unless another connection has done so already. */
export function markHostFailed(hosts: PostgresHosts, index: number): void {
  if (hosts.current === index) hosts.current = (index + 1) % hosts.urls.length;
}
