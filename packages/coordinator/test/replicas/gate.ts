import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What one side said on a connection, as it came off the wire: SQL is readable in it. */
export interface Said {
  by: 'coordinator' | 'database';
  text: string;
  /** What the coordinator uses the connection for; known once it has said so. */
  on: 'reading' | 'writing' | 'listening';
}

/** `hold` keeps it, and all that follows in its direction; `cut` breaks the connection and passes it on to nobody. */
export type Verdict = 'pass' | 'hold' | 'cut';

/** The way from one coordinator to its database, which a test can watch, hold up and break. */
export interface Gate {
  /** The database's URL, by way of the gate. */
  url: string;
  /** Resolves when something of the kind is said. */
  hears(matches: (said: Said) => boolean): Promise<void>;
  /** Decides from now on what passes. */
  rule(decide: (said: Said) => Verdict): void;
  /** Lets pass what was held, and from now on everything. */
  open(): void;
  /** From now on new connections lead to another database. */
  moveTo(databaseUrl: string): void;
  /** Breaks the connections that are there. */
  breakAll(): void;
  close(): Promise<void>;
}

/** What the coordinator says first on connections that do more than read. */
const PURPOSES = { writing: 'plan_cache_mode', listening: 'LISTEN' } as const;

export async function openGate(databaseUrl: string): Promise<Gate> {
  let database = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const held = new Set<() => void>();
  const listeners = new Set<(said: Said) => void>();
  let decide: (said: Said) => Verdict = () => 'pass';

  function join(coordinator: Socket, upstream: Socket) {
    let on: Said['on'] = 'reading';
    const end = () => {
      coordinator.destroy();
      upstream.destroy();
    };

    function forward(by: Said['by'], from: Socket, to: Socket) {
      let kept: Buffer[] | undefined;
      const release = () => {
        for (const piece of kept ?? []) to.write(piece);
        kept = undefined;
      };
      from.on('data', (piece: Buffer) => {
        const text = piece.toString('latin1');
        if (by === 'coordinator' && text.includes(PURPOSES.writing)) on = 'writing';
        if (by === 'coordinator' && text.includes(PURPOSES.listening)) on = 'listening';
        const said = { by, text, on };
        const verdict = decide(said);
        for (const listener of listeners) listener(said);
        if (verdict === 'cut') return end();
        if (verdict === 'hold' && !kept) {
          kept = [];
          held.add(release);
        }
        if (kept) kept.push(piece);
        // Whoever does not read makes the other one wait, as without a gate.
        else if (!to.write(piece)) from.pause();
      });
      to.on('drain', () => from.resume());
      from.on('close', end);
      from.on('error', end);
      sockets.add(from.once('close', () => sockets.delete(from)));
    }

    forward('coordinator', coordinator, upstream);
    forward('database', upstream, coordinator);
  }

  const server = createServer(coordinator => {
    coordinator.setNoDelay();
    join(coordinator, connect({ host: database.hostname, port: Number(database.port), noDelay: true }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(database);
  url.port = String((server.address() as AddressInfo).port);
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    hears: matches =>
      new Promise(resolve => {
        const listener = (said: Said) => {
          if (!matches(said)) return;
          listeners.delete(listener);
          resolve();
        };
        listeners.add(listener);
      }),
    rule: given => {
      decide = given;
    },
    open: () => {
      decide = () => 'pass';
      for (const release of held) release();
      held.clear();
    },
    moveTo(databaseUrl) {
      database = new URL(databaseUrl);
    },
    breakAll,
    async close() {
      server.close();
      breakAll();
      await once(server, 'close');
    },
  };
}
