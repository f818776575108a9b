import { defaultRangeExtractor, useWindowVirtualizer } from '@tanstack/react-virtual';
import { Fragment, type ReactNode, useLayoutEffect, useRef, useState } from 'react';

/** Tables with more rows than this have only those in the document that are in view. */
const VIRTUAL_FROM = 100;
const ROW_HEIGHT = 41;

export const isVirtual = (count: number): boolean => count > VIRTUAL_FROM;

interface VirtualRowsProps {
  count: number;
  columns: number;
  children: (index: number) => ReactNode;
}

export function VirtualRows(props: VirtualRowsProps) {
  if (isVirtual(props.count)) return <RowsInView {...props} />;
  return <tbody>{Array.from({ length: props.count }, (_, index) => props.children(index))}</tbody>;
}

/** The rows in view and those around the focus, between rows that are as high as all that are left out. */
function RowsInView({ count, columns, children }: VirtualRowsProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  /** Without its row, the focus would be lost when somebody scrolls; with its neighbours, Tab goes on from there. */
  const [focused, setFocused] = useState<number>();
  useLayoutEffect(() => {
    if (body.current) setTop(body.current.getBoundingClientRect().top + scrollY);
  }, []);
  const virtualizer = useWindowVirtualizer({
    count,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    scrollMargin: top,
    rangeExtractor: range => {
      const inView = defaultRangeExtractor(range);
      if (focused === undefined) return inView;
      const around = [focused - 1, focused, focused + 1].filter(index => index >= 0 && index < count);
      return [...new Set([...inView, ...around])].sort((one, other) => one - other);
    },
  });
  let end = top;
  const rows = virtualizer.getVirtualItems().map(item => {
    const gap = item.start - end;
    end = item.end;
    return (
      <Fragment key={item.key}>
        <Spacer height={gap} columns={columns} />
        {children(item.index)}
      </Fragment>
    );
  });
  return (
    <tbody
      ref={body}
      onFocus={({ target }) => setFocused(indexOf(target))}
      onBlur={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget)) setFocused(undefined);
      }}
    >
      {rows}
      <Spacer height={top + virtualizer.getTotalSize() - end} columns={columns} />
    </tbody>
  );
}

/** Rows count from 1 on, and the first is the header. */
function indexOf(element: Element): number | undefined {
  const row = element.closest('tr')?.getAttribute('aria-rowindex');
  return row ? Number(row) - 2 : undefined;
}

const Spacer = ({ height, columns }: { height: number; columns: number }) =>
  height > 0 ? (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can have the focus.
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  ) : null;
