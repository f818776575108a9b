import {
  appendLeafHashes,
  consistencyProof,
  formatAddCheckpoint,
  formatCheckpoint,
  formatNote,
  formatVkey,
  leafHash,
  type NodeReader,
  rootAt,
  type Signer,
  signerFromSeed,
  signNote,
  type VerifierKey,
  verifierKey,
} from '@aitbc/tlog';

export const ORIGIN = 'coordinator.example/ledger';
const MAX_SIZE = 1000;
const utf8 = new TextEncoder();

/** A log with up to 1000 leaves that can also sign false trees. */
export interface TestLog {
  key: VerifierKey;
  vkey: string;
  /** Returns the signed checkpoint of the first leaves. */
  checkpoint(size: number): Promise<string>;
  proof(from: number, to: number): Promise<Uint8Array[]>;
  /** Returns the body of an honest request. */
  request(old: number, size: number): Promise<string>;
  /** Returns the body of a first request with a root that is no tree's. */
  withRoot(size: number, root: Uint8Array): Promise<string>;
  /** Returns the same log with other leaves from `size` on, which differ for each name. */
  forkedAt(size: number, name?: string): TestLog;
}

export function testLog(options: { origin?: string; seed?: number; forks?: readonly Fork[] } = {}): TestLog {
  const { origin = ORIGIN, seed = 1, forks = [] } = options;
  const signer: Signer = signerFromSeed(new Uint8Array(32).fill(seed));
  const key = verifierKey(origin, 'Ed25519', signer.keyId);
  const read = treeOf(forks);
  const proof = (from: number, to: number) => consistencyProof(from, to, read);
  const checkpoint = async (size: number) => await signed(size, await rootAt(size, read));
  async function signed(size: number, root: Uint8Array): Promise<string> {
    const text = formatCheckpoint({ origin, size, root });
    return formatNote({ text, signatures: [await signNote(text, origin, signer)] });
  }
  return {
    key,
    vkey: formatVkey(key),
    checkpoint,
    proof,
    async request(old, size) {
      return formatAddCheckpoint({ old, proof: await proof(old, size), checkpoint: await checkpoint(size) });
    },
    async withRoot(size, root) {
      return formatAddCheckpoint({ old: 0, proof: [], checkpoint: await signed(size, root) });
    },
    forkedAt: (size, name = '') => testLog({ origin, seed, forks: [...forks, { size, name }] }),
  };
}

interface Fork {
  size: number;
  name: string;
}

function treeOf(forks: readonly Fork[]): NodeReader {
  const branch = (index: number) => JSON.stringify(forks.filter(({ size }) => size <= index));
  const leaves = Array.from({ length: MAX_SIZE }, (_, index) =>
    leafHash(utf8.encode(`${branch(index)}/${index}`)),
  );
  const { nodes } = appendLeafHashes({ size: 0, hashes: [] }, leaves);
  const hashes = new Map(nodes.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
  return ids => ids.map(({ level, index }) => hashes.get(`${level}/${index}`));
}
