import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from './config.ts';
import { readIdentity } from './identity.ts';
import { allOperations, createOperations, WRITE_PLAN } from './operations.ts';
import { loadSigner, signingKeyPath } from './receipts/signing-key.ts';
import { openSqliteWriter } from './store/sqlite/writer.ts';
import { serveWriter } from './store/threaded-writes.ts';
import { createWrites } from './store/writes.ts';

/* The program of the thread that writes to SQLite, with the operations and the configuration of the main thread. */
if (!parentPort) throw new Error('This program runs as a thread of the coordinator');
const config = workerData as Config;
const writer = openSqliteWriter(config.data, WRITE_PLAN);
const ownWrites = createWrites(writer, { now: undefined, maxBatch: 1 });
const coordinatorId = await readIdentity(ownWrites, config.coordinatorId);
const signer = loadSigner(signingKeyPath(config));
serveWriter({
  port: parentPort,
  writer,
  operations: allOperations(createOperations(config, { coordinatorId, signer })),
  maxBatch: config.maxBatch,
});
