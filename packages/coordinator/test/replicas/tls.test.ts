import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/postgres.ts';
import { actions, startTestCoordinator } from '../harness/coordinator.ts';
import { postgresAt } from '../harness/engines.ts';

const start = (url: string, parameters: string) => startTestCoordinator(postgresAt(`${url}?${parameters}`));

test.each(['require', 'verify-full'])('sslmode=%s refuses a database without TLS', async mode => {
  const { url } = await createTestDatabase();
  await expect(start(url, `sslmode=${mode}`)).rejects.toThrow(
    "--database-url can't be used: The server does not support SSL connections",
  );
});

test('a certificate that is not there is named', async () => {
  const { url } = await createTestDatabase();
  await expect(start(url, 'sslmode=verify-full&sslrootcert=/nowhere.pem')).rejects.toThrow(
    "--database-url can't be used: ENOENT: no such file or directory, open '/nowhere.pem'",
  );
});

const hasOpenssl = (() => {
  try {
    return execFileSync('openssl', ['version']).length > 0;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasOpenssl)('a database with TLS', () => {
  let folder: string;
  let front: Server;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aitbc-tls-'));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const subject = ['-subj', '/CN=database', '-addext', 'subjectAltName=DNS:localhost'];
    const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', key, '-out', certificate];
    execFileSync('openssl', ['req', '-x509', ...algorithm, ...files, ...subject], { stdio: 'ignore' });
    const pair = { key: await readFile(key), cert: await readFile(certificate) };
    const database = new URL((await createTestDatabase()).url);
    const port = Number(database.port);
    front = createServer(client => void serveTls(client, connect(port, '127.0.0.1'), pair)).listen(
      0,
      'localhost',
    );
    await once(front, 'listening');
    url = Object.assign(database, { host: `localhost:${(front.address() as AddressInfo).port}` }).href;
  });
  afterAll(async () => {
    front.close();
    await rm(folder, { recursive: true });
  });

  test('serves whoever trusts its certificate', async () => {
    const trusted = `sslmode=verify-full&sslrootcert=${join(folder, 'certificate.pem')}`;
    const coordinator = await start(url, trusted);
    const { submit, job } = actions(coordinator);
    const { job_id } = await submit();
    expect(await job(job_id)).toMatchObject({ job_id });
    await coordinator.stop();
  });

  test('is refused where its certificate is not known', async () => {
    await expect(start(url, 'sslmode=verify-full')).rejects.toThrow(
      "--database-url can't be used: self-signed certificate",
    );
  });
});

/** As PostgreSQL does: it is asked for TLS in the clear, and says yes. */
async function serveTls(
  client: Socket,
  upstream: Socket,
  pair: { key: Buffer; cert: Buffer },
): Promise<void> {
  const end = () => upstream.destroy();
  client.on('error', end);
  await once(client, 'data');
  client.write('S');
  const inner = new TLSSocket(client, { isServer: true, ...pair });
  inner.on('error', end);
  inner.pipe(upstream).pipe(inner);
}
