import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from './config.ts';
import { readIdentity } from './identity.ts';
import { allOperations, createOperations } from './operations.ts';
import { loadSigner, signingKeyPath } from './receipts/signing-key.ts';
import { createBatcher } from './store/batcher.ts';
import { openWriter } from './store/sqlite/writer.ts';
import { serveWriter } from './store/sqlite/writer-thread.ts';

/*
 * The program of the thread that writes to SQLite: the same operations as everywhere, on the terms of the same
 * configuration.
 */
if (!parentPort) throw new Error('This program runs as a thread of the coordinator');
const config = workerData as Config;
const writer = await openWriter(config.data);
const ownWrites = createBatcher(async calls => (await writer.commit(calls, Date.now())).results, {
  maxBatch: 1,
});
const coordinatorId = await readIdentity(ownWrites, config.coordinatorId);
const signer = loadSigner(signingKeyPath(config));
serveWriter(parentPort, writer, allOperations(createOperations(config, { coordinatorId, signer })));
