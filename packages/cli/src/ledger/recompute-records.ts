import { addAnswer, EMPTY_RECORD, type EvidenceRule, judgeAnswer, type MinerRecord } from '@aitbc/evidence';
import type { Draw, Receipt, VerificationStatement } from '@aitbc/protocol';
import { drawInput, isDrawn, isReceipt, isVerification, type Statement } from '@aitbc/receipts';
import { appendLeafHashes, type CompactRange, verifyVrf } from '@aitbc/tlog';

/** A receipt that could be drawn. */
interface Drawable {
  index: number;
  id: string;
  /** Leaf hash, hex. */
  hash: string;
}

/** Recomputes from the ledger what is known of miners, and which receipts had to be verified. */
export class RecomputedRecords {
  /** By `MINER/PASSPORT`. */
  readonly records = new Map<string, MinerRecord>();
  /** What contradicts the statements, one sentence for each. */
  readonly faults: string[] = [];
  readonly #receipts = new Map<string, Pick<Receipt, 'job_id'> & { miner: string; passport: string }>();
  readonly #drawable: Drawable[] = [];
  readonly #leafHashes: Uint8Array[] = [];
  /** The drawn verifications: the receipt and the size of the tree, by the verification's id. */
  readonly #drawn = new Map<string, { receipt: string; size: number | null }>();
  readonly #seen = new Set<string>();

  /** Takes the next entry of the ledger, in order from the first one. `statement`: null for an unknown kind. */
  add(index: number, leafHash: Uint8Array, statement: Statement | null): void {
    this.#leafHashes.push(leafHash);
    if (!statement) return;
    if (isReceipt(statement)) this.#addReceipt(index, leafHash, statement);
    else if (isVerification(statement)) this.#addVerification(index, statement);
  }

  #addReceipt(index: number, leafHash: Uint8Array, { receipt_id: id, job_id, metadata }: Receipt): void {
    const { passport, miner_id, status } = metadata;
    if (typeof passport !== 'string' || status !== undefined) return;
    this.#receipts.set(id, { job_id, miner: String(miner_id), passport });
    this.#drawable.push({ index, id, hash: Buffer.from(leafHash).toString('hex') });
  }

  #addVerification(index: number, statement: VerificationStatement): void {
    const { verification_id: id, receipt_id, miner_id, passport, cause, draw } = statement;
    const fault = (what: string) => this.faults.push(`Entry ${index}, the verification ${id}, ${what}`);
    if (this.#seen.has(id)) fault('repeats an earlier one');
    this.#seen.add(id);
    const receipt = this.#receipts.get(receipt_id);
    if (!receipt) fault(`is about ${receipt_id}, which the ledger does not have before it`);
    else if (receipt.miner !== miner_id || receipt.passport !== passport)
      fault('names another miner or passport than the receipt');
    const wrong = misjudged(statement);
    if (wrong) fault(wrong);
    if (cause === 'drawn') this.#drawn.set(id, { receipt: receipt_id, size: draw });
    const key = `${miner_id}/${passport}`;
    this.records.set(key, addAnswer(this.records.get(key) ?? EMPTY_RECORD, statement));
  }

  /** Returns what is wrong with the coordinator's draws: a proof, a receipt that was left out, or one that was not drawn. */
  checkDraws(origin: string, draws: readonly Draw[]): { faults: string[]; revealed: number; drawn: number } {
    const revealed = draws.filter(({ proof }) => proof !== null).toSorted((a, b) => a.size - b.size);
    const faults: string[] = [];
    const verified = new Set([...this.#drawn.values()].map(({ receipt, size }) => `${size}/${receipt}`));
    const expected = new Set<string>();
    let range: CompactRange = { size: 0, hashes: [] };
    let next: number | undefined;
    for (const draw of draws.toSorted((a, b) => a.size - b.size)) {
      if (next !== undefined && draw.from !== next && draw.from !== draw.size)
        faults.push(`The draw of ${draw.size} entries begins at ${draw.from} instead of ${next}`);
      next = draw.size;
    }
    for (const draw of revealed) {
      if (draw.size > this.#leafHashes.length) continue;
      const grown = appendLeafHashes(range, this.#leafHashes.slice(range.size, draw.size));
      range = grown.range;
      const root = Buffer.from(grown.root).toString('hex');
      const proof = Buffer.from(draw.proof ?? '', 'hex');
      const output = verifyVrf(draw.public_key, drawInput(origin, draw.size, root), proof);
      if (!output) {
        faults.push(`The draw of ${draw.size} entries has no valid proof`);
        continue;
      }
      for (const { index, id, hash } of this.#drawable)
        if (index >= draw.from && index < draw.size && isDrawn(output, hash, draw.share))
          expected.add(`${draw.size}/${id}`);
    }
    const sizes = new Set(revealed.map(({ size }) => size));
    for (const each of expected)
      if (!verified.has(each))
        faults.push(`${nameOf(each)} was drawn, and the ledger has no verification of it`);
    for (const each of verified)
      if (!expected.has(each) && sizes.has(Number(each.split('/')[0])))
        faults.push(`${nameOf(each)} was verified as drawn, and was not`);
    return { faults, revealed: revealed.length, drawn: expected.size };
  }
}

const nameOf = (drawn: string) => `The receipt ${drawn.split('/')[1]}`;

/** Returns what is wrong with a judgement by its own numbers. Anything may be inconclusive, which costs nothing. */
function misjudged({ rule, tokens, sum, variance, judgement }: VerificationStatement): string | undefined {
  if (judgement === 'inconclusive') return undefined;
  if (rule === null) return 'judges without a rule';
  const found = judgeAnswer({ rule: rule as EvidenceRule, tokens, sum, variance }).judgement;
  return found === judgement ? undefined : `says ${judgement}, and its numbers say ${found}`;
}
