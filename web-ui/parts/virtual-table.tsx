// biome-ignore-all lint/a11y/useSemanticElements: the browser lays out real table elements as a whole, here only what is seen is laid out
// biome-ignore-all lint/a11y/useFocusableInteractive: a row and a head of a table are read, not operated
/**
 * A table of thousands of rows of which only those that are seen are in the document. All rows are of the same height. Who
 * reads by ear is told how many there are, and which of them is read.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { listWindow } from './list-window.js';
import './virtual-table.css';

export interface VirtualColumn<T, Key extends string> {
  /** What the sheet calls the column: its width, and its place in a row of two lines on a phone. */
  name: string;
  title: string;
  isNumber?: boolean;
  /** Rows can be sorted by it. */
  sortKey?: Key;
  cell(row: T): ComponentChildren;
}

interface VirtualTableProps<T, Key extends string> {
  label: string;
  /** Of the whole table, for the sheet. */
  class: string;
  rows: readonly T[];
  columns: readonly VirtualColumn<T, Key>[];
  keyOf(row: T): number;
  order: { by: Key; isDown: boolean };
  onSort(by: Key): void;
}

const ROWS_AROUND = 4;
/** As virtual-table.css has it. */
const PHONE = '(max-width: 48rem)';
const ROW_HEIGHT_PX = 42;
const PHONE_ROW_HEIGHT_PX = 68;

export function VirtualTable<T, Key extends string>(props: VirtualTableProps<T, Key>) {
  const { label, rows, columns, keyOf, order, onSort } = props;
  const place = useRef<HTMLDivElement>(null);
  const isPhone = useMedia(PHONE);
  const rowHeight_px = isPhone ? PHONE_ROW_HEIGHT_PX : ROW_HEIGHT_PX;
  const { first, end } = useSeen(place, rowHeight_px, rows.length);
  return (
    <div
      ref={place}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      class={`virtual-table ${props.class}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a place that scrolls is scrolled by keys too
      tabIndex={0}
    >
      <div role="rowgroup" class="virtual-head">
        <div role="row" aria-rowindex={1} class="virtual-row">
          {columns.map((column) => (
            <ColumnHead key={column.name} column={column} order={order} onSort={isPhone ? undefined : onSort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="virtual-body" style={{ height: `${rows.length * rowHeight_px}px` }}>
        {rows.slice(first, end).map((row, index) => (
          <div
            key={keyOf(row)}
            role="row"
            aria-rowindex={first + index + 2}
            class="virtual-row"
            style={{ transform: `translateY(${(first + index) * rowHeight_px}px)`, height: `${rowHeight_px}px` }}
          >
            {columns.map(({ name, isNumber, cell }) => (
              <div key={name} role="cell" class={isNumber ? `cell-${name} number` : `cell-${name}`}>
                {cell(row)}
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

interface ColumnHeadProps<T, Key extends string> extends Pick<VirtualTableProps<T, Key>, 'order'> {
  column: VirtualColumn<T, Key>;
  /** Undefined on a phone, where the heads are not seen; what is to be sorted by is chosen elsewhere there. */
  onSort: ((by: Key) => void) | undefined;
}

function ColumnHead<T, Key extends string>({ column, order, onSort }: ColumnHeadProps<T, Key>) {
  const { name, title, isNumber, sortKey } = column;
  const isSorted = sortKey !== undefined && order.by === sortKey;
  const sort = isSorted ? (order.isDown ? 'descending' : 'ascending') : undefined;
  return (
    <div role="columnheader" aria-sort={sort} class={isNumber ? `cell-${name} number` : `cell-${name}`}>
      {sortKey === undefined || onSort === undefined ? (
        title
      ) : (
        <button type="button" onClick={() => onSort(sortKey)}>
          {title}
          <span aria-hidden="true">{isSorted ? (order.isDown ? ' ↓' : ' ↑') : ''}</span>
        </button>
      )}
    </div>
  );
}

/** Rows from `first` to before `end` are near what is seen; drawn anew only when that changes. */
function useSeen(place: { current: HTMLDivElement | null }, rowHeight_px: number, count: number) {
  const [seen, setSeen] = useState({ scrolled_px: 0, height_px: 900 });
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    // Rounded to whole rows: a step within a row changes nothing.
    const look = () => {
      const scrolled_px = Math.floor(element.scrollTop / rowHeight_px) * rowHeight_px;
      const height_px = element.clientHeight;
      setSeen((before) =>
        before.scrolled_px === scrolled_px && before.height_px === height_px ? before : { scrolled_px, height_px },
      );
    };
    const watch = new ResizeObserver(look);
    watch.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [place, rowHeight_px]);
  return listWindow(seen.scrolled_px, seen.height_px + rowHeight_px, rowHeight_px, count, ROWS_AROUND);
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = () => setMatches(list.matches);
    list.addEventListener('change', changed);
    return () => list.removeEventListener('change', changed);
  }, [query]);
  return matches;
}
