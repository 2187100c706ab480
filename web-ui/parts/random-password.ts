/** Passwords that can be read out over a telephone. Pure: where the random octets come from is the caller's. */

/** Without those that look like another one. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LETTERS = 4;

/** 79 bits, as in k7pm-3hqa-xw9d-c4tz. `fill` fills with random octets, as crypto.getRandomValues does. */
export function randomPassword(fill: (octets: Uint8Array<ArrayBuffer>) => unknown): string {
  const letters: string[] = [];
  const octets = new Uint8Array(64);
  while (letters.length < GROUPS * GROUP_LETTERS) {
    fill(octets);
    // Octets above the last whole multiple would make some letters likelier than others.
    for (const octet of octets) if (octet < 248) letters.push(LETTERS[octet % LETTERS.length] as string);
  }
  const group = (at: number) => letters.slice(at * GROUP_LETTERS, (at + 1) * GROUP_LETTERS).join('');
  return Array.from({ length: GROUPS }, (_, at) => group(at)).join('-');
}
