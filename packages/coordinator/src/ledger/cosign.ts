import {
  consistencyProof,
  formatNote,
  formatSignatureLines,
  type NodeReader,
  parseNote,
  parseSignatureLines,
} from '@aitbc/tlog';
import { done, type Operation } from '../store/operation.ts';
import type { CheckpointToCosign } from './witness-client.ts';
import type { Witnesses } from './witnesses.ts';

/** Asks the witnesses to cosign a checkpoint. Resolves with their signatures as lines of a note, or an empty text. */
export async function requestCosignatures(
  { note, size }: CheckpointToCosign,
  witnesses: Witnesses,
  nodes: NodeReader,
): Promise<string> {
  const signatures = await witnesses.cosign({ note, size }, from => consistencyProof(from, size, nodes));
  return signatures.length === 0 ? '' : formatSignatureLines(signatures);
}

/** Adds late signatures to a published checkpoint. Its existing signatures stay as they are. */
export const addCosignatures: Operation<{ height: number; lines: string }, undefined> = {
  name: 'ledger.cosign',
  async apply(inputs, { tx }) {
    const heights = [...new Set(inputs.map(({ height }) => height))];
    const rows = await tx.load('checkpoint', 'height', heights);
    const changed = rows.map(({ height, note }) => {
      const lines = inputs.filter(input => input.height === height).map(input => input.lines);
      return { height, note: lines.reduce(addSignatures, note) };
    });
    await tx.update('checkpoint', changed);
    return inputs.map(() => done(undefined));
  },
};

function addSignatures(note: string, lines: string): string {
  const { text, signatures } = parseNote(note);
  const keys = new Set(signatures.map(({ name, keyHash }) => `${name}+${keyHash}`));
  const added = parseSignatureLines(lines).filter(({ name, keyHash }) => !keys.has(`${name}+${keyHash}`));
  return formatNote({ text, signatures: [...signatures, ...added] });
}
