import { shortId } from '../../format/ids.ts';
import { equalBytes, toHex } from '../../verify/bytes.ts';
import type { ClaimVerdict } from '../../verify/verify-claim.ts';
import styles from './merkle-path.module.css';

const ROW = 46;
const NODE = { width: 132, height: 26 };
const CENTRE = 220;
const SIBLING = 168;

/** The way from the entry, at the bottom, to the root: each node is the hash of itself and its sibling. */
export function MerklePath({ leaf, index, size, steps, root }: NonNullable<ClaimVerdict['path']>) {
  const height = (steps.length + 1) * ROW + 8;
  const yOf = (level: number) => height - ROW + 6 - level * ROW;
  const end = steps.at(-1)?.parent ?? leaf;
  const isAtRoot = equalBytes(end, root);
  return (
    <figure className={styles.path}>
      <figcaption>
        Entry {index} of {size}, and the {steps.length} hashes by which it leads to the root
      </figcaption>
      <svg
        viewBox={`0 0 ${CENTRE * 2} ${height}`}
        role="img"
        aria-label={`A path of ${steps.length} steps through the tree, which ${isAtRoot ? 'ends' : 'does not end'} at the signed root`}
      >
        {steps.map(({ side, sibling, parent }, level) => {
          const x = CENTRE + (side === 'left' ? -SIBLING : SIBLING) * 0.9;
          return (
            <g key={toHex(parent)}>
              <path
                className={styles.edge}
                d={`M${x} ${yOf(level)} C ${x} ${yOf(level) - 26}, ${CENTRE} ${yOf(level) - 16}, ${CENTRE} ${yOf(level + 1) + NODE.height}`}
              />
              <path className={styles.way} d={`M${CENTRE} ${yOf(level)} V ${yOf(level + 1) + NODE.height}`} />
              <Node x={x} y={yOf(level)} hash={sibling} style={styles.sibling} />
            </g>
          );
        })}
        <Node x={CENTRE} y={yOf(0)} hash={leaf} style={styles.leaf} />
        {steps.map(({ parent }, level) => {
          const isLast = level === steps.length - 1;
          const style = !isLast ? styles.inner : isAtRoot ? styles.root : styles.wrong;
          return <Node key={toHex(parent)} x={CENTRE} y={yOf(level + 1)} hash={parent} style={style} />;
        })}
      </svg>
      <ul className={styles.legend}>
        <li className={styles.leafKey}>entry</li>
        <li className={styles.siblingKey}>given by the proof</li>
        <li className={styles.innerKey}>computed here</li>
        <li className={isAtRoot ? styles.rootKey : styles.wrongKey}>
          {isAtRoot ? 'the root that was signed' : 'not the root that was signed'}
        </li>
      </ul>
    </figure>
  );
}

function Node({ x, y, hash, style }: { x: number; y: number; hash: Uint8Array; style: string | undefined }) {
  const hex = toHex(hash);
  return (
    <g className={style}>
      <title>{hex}</title>
      <rect x={x - NODE.width / 2} y={y} width={NODE.width} height={NODE.height} rx={5} />
      <text x={x} y={y + 17} textAnchor="middle">
        {shortId(hex, 5)}
      </text>
    </g>
  );
}
