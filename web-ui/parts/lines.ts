/** Lists that are typed as text. Pure. */

/** Without what is empty, and without the blanks around the others. */
export const filledLines = (lines: readonly string[]): string[] =>
  lines.map((line) => line.trim()).filter((line) => line !== '');
