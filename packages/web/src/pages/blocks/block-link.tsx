import { Link } from '@tanstack/react-router';
import { formatCount } from '../../format/numbers.ts';

/** A block by its height. */
export const BlockLink = ({ height }: { height: number }) => (
  <Link to="/blocks/$id" params={{ id: String(height) }} className="num">
    {formatCount(height)}
  </Link>
);
