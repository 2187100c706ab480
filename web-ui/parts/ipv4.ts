/** IPv4 addresses as numbers, as far as forms need that: to propose networks and to count ranges. Pure. */

/** From 0 to 2**32 - 1; undefined for what is no IPv4 address. */
export function ipv4Number(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((number, part) => number * 256 + Number(part), 0);
}

/** How many addresses there are from `first` to `last`; 0 where these are not a range. */
export function rangeSize(first: string, last: string): number {
  const [from, to] = [ipv4Number(first), ipv4Number(last)];
  return from === undefined || to === undefined ? 0 : Math.max(0, to - from + 1);
}

/** Whether the networks that two addresses with length, as in 10.0.0.1/24, are in have addresses in common. */
export function networksOverlap(one: string, other: string): boolean {
  const [a, b] = [networkOf(one), networkOf(other)];
  return a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last;
}

function networkOf(text: string): { first: number; last: number } | undefined {
  const [address = '', length = '32'] = text.split('/');
  const number = ipv4Number(address);
  if (number === undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) return undefined;
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1 };
}
