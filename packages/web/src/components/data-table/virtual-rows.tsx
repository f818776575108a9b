import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';

/** Tables with more rows than this have only those in the document that are in view. */
const VIRTUAL_FROM = 100;
const ROW_HEIGHT = 41;

interface VirtualRowsProps {
  count: number;
  columns: number;
  children: (index: number) => ReactNode;
}

export function VirtualRows(props: VirtualRowsProps) {
  if (props.count > VIRTUAL_FROM) return <RowsInView {...props} />;
  return <tbody>{Array.from({ length: props.count }, (_, index) => props.children(index))}</tbody>;
}

/** The rows in view, between two rows that are as high as all others. */
function RowsInView({ count, columns, children }: VirtualRowsProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setTop(body.current.getBoundingClientRect().top + scrollY);
  }, []);
  const virtualizer = useWindowVirtualizer({
    count,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    scrollMargin: top,
  });
  const items = virtualizer.getVirtualItems();
  const before = (items[0]?.start ?? top) - top;
  const after = virtualizer.getTotalSize() - ((items.at(-1)?.end ?? top) - top);
  return (
    <tbody ref={body}>
      <Spacer height={before} columns={columns} />
      {items.map(({ index }) => children(index))}
      <Spacer height={after} columns={columns} />
    </tbody>
  );
}

const Spacer = ({ height, columns }: { height: number; columns: number }) =>
  height > 0 ? (
    <tr>
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  ) : null;
