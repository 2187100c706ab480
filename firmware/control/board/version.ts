/** Versions in the order of their numbers, as in 0.9.2 < 0.10.0; a pre-release comes before its release (semver.org). */

/** Whether `version` comes before `other`. */
export function isOlder(version: string, other: string): boolean {
  const [numbers, tail] = parts(version);
  const [otherNumbers, otherTail] = parts(other);
  for (let at = 0; at < Math.max(numbers.length, otherNumbers.length); at++) {
    const difference = (numbers[at] ?? 0) - (otherNumbers[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  if (tail === otherTail) return false;
  return tail !== '' && (otherTail === '' || tail < otherTail);
}

function parts(version: string): [numbers: number[], tail: string] {
  const [, digits = '', tail = ''] = /^v?([\d.]*)-?(.*)$/.exec(version) ?? [];
  return [digits.split('.').map(Number), tail];
}
