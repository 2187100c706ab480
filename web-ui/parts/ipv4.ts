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

/**
 * A range for hosts in the network of an address with length: up to a hundred addresses, from the hundredth on where there
 * are so many. Undefined where there is no room beside the address.
 */
export function hostRange(text: string): { first: string; last: string } | undefined {
  const network = networkOf(text);
  const own = ipv4Number(text.split('/')[0] ?? '');
  if (network === undefined || own === undefined || network.last - network.first < 3) return undefined;
  const isLarge = network.last - network.first >= 254;
  const [from, to] = isLarge ? [network.first + 100, network.first + 199] : [network.first + 1, network.last - 1];
  if (own < from || own > to) return { first: ipv4Text(from), last: ipv4Text(to) };
  // The longer of the two parts that the box's own address leaves.
  const [first, last] = own - from > to - own ? [from, own - 1] : [own + 1, to];
  return { first: ipv4Text(first), last: ipv4Text(last) };
}

const ipv4Text = (number: number): string => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');

function networkOf(text: string): { first: number; last: number } | undefined {
  const [address = '', length = '32'] = text.split('/');
  const number = ipv4Number(address);
  if (number === undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) return undefined;
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1 };
}
