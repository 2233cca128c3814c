/**
 * The number that was typed: digits, and a point before a fraction. Anything else is undefined, for the field to say so:
 * nothing that was typed may become another number.
 */
export function numberOf(text: string): number | undefined {
  return /^(\d+(\.\d*)?|\.\d+)$/.test(text.trim()) ? Number(text) : undefined;
}

/** What is wrong with a whole number that was typed. */
export function wholeError(text: string, most: number): string | undefined {
  const n = numberOf(text);
  return n !== undefined && Number.isInteger(n) && n >= 1 && n <= most
    ? undefined
    : `A whole number from 1 to ${most.toLocaleString("en")}, in digits alone.`;
}
