/** Which rows of a long list are in the document: those that are seen, and a few around them. Pure. */

export interface ListWindow {
  /** Of the first row in the document. */
  first: number;
  /** One behind the last. */
  end: number;
}

/**
 * `scrolled_px` and `height_px` are of the place that scrolls, of which rows begin at 0. `around` rows are kept beyond
 * each edge. The first row is always even, so that stripes and keys stay put while one scrolls.
 */
export function listWindow(
  scrolled_px: number,
  height_px: number,
  rowHeight_px: number,
  count: number,
  around: number,
): ListWindow {
  const topmost = Math.floor(Math.max(0, scrolled_px) / rowHeight_px);
  const lowest = Math.ceil((Math.max(0, scrolled_px) + height_px) / rowHeight_px);
  const last = Math.max(0, count - Math.ceil(height_px / rowHeight_px) - around);
  const wanted = Math.min(Math.max(0, topmost - around), last);
  return { first: wanted - (wanted % 2), end: Math.min(count, lowest + around) };
}
