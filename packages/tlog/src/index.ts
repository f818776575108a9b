export { type AddCheckpoint, formatAddCheckpoint, parseAddCheckpoint } from './add-checkpoint.ts';
export { type Checkpoint, cosignCheckpoint, formatCheckpoint, parseCheckpoint } from './checkpoints.ts';
export {
  type Appended,
  appendLeafHashes,
  type CompactRange,
  compactRangeNodes,
  merkleRoot,
  readCompactRange,
} from './compact-range.ts';
export { generateSigner, type SeedSigner, type Signer, signerFromSeed } from './ed25519.ts';
export { decodeEntryBundle, encodeEntryBundle, MAX_ENTRY_BYTES } from './entry-bundles.ts';
export { TlogError, type TlogErrorCode } from './errors.ts';
export { leafHash, nodeHash } from './hashing.ts';
export { consistencyProof, inclusionProof, rootAt } from './make-proofs.ts';
export type { NodeId, NodeReader, TreeNode } from './nodes.ts';
export {
  formatNote,
  formatSignatureLines,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignatureLines,
} from './notes.ts';
export { type LogPolicy, type OpenCheckpoint, type OpenNote, openCheckpoint, openNote } from './open-note.ts';
export {
  formatPolicy,
  type Policy,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  parsePolicy,
} from './policy.ts';
export { signNote, type VerifiedSignature } from './signatures.ts';
export type { TextSource } from './text-format.ts';
export { nodesOfTiles, type TileId, type TileReader } from './tile-nodes.ts';
export {
  decodeTile,
  encodeTile,
  formatTilePath,
  parseTilePath,
  partialTiles,
  TILE_WIDTH,
  type Tile,
  tileNodes,
  tileWidth,
} from './tiles.ts';
export { formatTlogProof, parseTlogProof, type TlogProof, verifyTlogProof } from './tlog-proofs.ts';
export {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from './verify-proofs.ts';
export { formatVkey, parseVkey, type SignatureType, type VerifierKey, verifierKey } from './vkeys.ts';
export { type VrfKey, verifyVrf, vrfKeyFromSeed } from './vrf.ts';
