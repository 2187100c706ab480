/** Tables and figures as a terminal shows them. Pure. */

/** Columns as wide as their widest cell; numbers to the right. */
export function table(titles: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return 'none';
  const cells = [titles, ...rows.map((row) => row.map(String))];
  const widths = titles.map((_, at) => Math.max(...cells.map((row) => [...(row[at] ?? '')].length)));
  const isNumber = titles.map((_, at) => rows.every((row) => typeof row[at] === 'number'));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => {
        const padding = ' '.repeat(Math.max(0, (widths[at] ?? 0) - [...cell].length));
        return isNumber[at] ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return cells.map((row) => line(printable(row))).join('\n');
}

/** What peers have chosen must not move the terminal's cursor. */
const printable = (row: readonly string[]): string[] => row.map((cell) => cell.replace(/\p{Cc}/gu, '?'));

const UNITS = ['', 'k', 'M', 'G', 'T', 'P'];

export function octets(count: number): string {
  let [value, at] = [count, 0];
  while (value >= 999.5 && at < UNITS.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 ? value : value.toFixed(value < 9.95 ? 1 : 0)} ${UNITS[at]}B`;
}

export function since(iso: string, now_ms: number): string {
  const seconds = Math.max(0, Math.floor((now_ms - Date.parse(iso)) / 1000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days}d${hours}h`;
  if (hours > 0) return `${hours}h${minutes}m`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
