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

/** The signatures of witnesses on a checkpoint, as lines of a note; nothing where there are none. */
export async function cosignaturesOf(
  { note, size }: CheckpointToCosign,
  witnesses: Witnesses,
  nodes: NodeReader,
): Promise<string> {
  const signatures = await witnesses.cosign({ note, size }, from => consistencyProof(from, size, nodes));
  return signatures.length === 0 ? '' : formatSignatureLines(signatures);
}

/** Adds signatures that came late to a checkpoint that is published. The ones that it has stay as they are. */
export const addCosignatures: Operation<{ height: number; lines: string }, undefined> = {
  name: 'ledger.cosign',
  async apply(inputs, { tx }) {
    const heights = [...new Set(inputs.map(({ height }) => height))];
    const rows = await tx.load('checkpoint', 'height', heights);
    const changed = rows.map(({ height, note }) => {
      const lines = inputs.filter(input => input.height === height).map(input => input.lines);
      return { height, note: lines.reduce(withSignatures, note) };
    });
    await tx.update('checkpoint', 'height', ['note'], changed);
    return inputs.map(() => done(undefined));
  },
};

function withSignatures(note: string, lines: string): string {
  const { text, signatures } = parseNote(note);
  const keys = new Set(signatures.map(({ name, keyHash }) => `${name}+${keyHash}`));
  const added = parseSignatureLines(lines).filter(({ name, keyHash }) => !keys.has(`${name}+${keyHash}`));
  return formatNote({ text, signatures: [...signatures, ...added] });
}
