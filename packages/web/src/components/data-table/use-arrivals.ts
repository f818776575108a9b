import { useEffect, useRef, useState } from 'react';

const SHOWN_MS = 2_000;

/**
 * Returns the keys of the items that were added since the list was first shown, for a moment.
 *
 * @param isLive whether items arrive in this list at all. Where not, other items are another page.
 */
export function useArrivals<Item>(
  items: readonly Item[] | undefined,
  keyOf: (item: Item) => string,
  isLive: boolean,
): ReadonlySet<string> {
  const [arrived, setArrived] = useState<ReadonlySet<string>>(new Set());
  const known = useRef<ReadonlySet<string>>(undefined);
  useEffect(() => {
    if (!items) return;
    const keys = new Set(items.map(keyOf));
    const before = known.current;
    known.current = isLive ? keys : undefined;
    if (!before || !isLive) return;
    const added = [...keys].filter(key => !before.has(key));
    if (added.length > 0 && added.length < keys.size) setArrived(new Set(added));
  });
  useEffect(() => {
    if (arrived.size === 0) return;
    const timer = setTimeout(() => setArrived(new Set()), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [arrived]);
  return arrived;
}
