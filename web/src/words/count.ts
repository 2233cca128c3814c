import type { StatusCount } from "../api/types";

/** "5,000+" when there may be more; what was counted to its end has no "+". */
export function countWord({ count, capped }: StatusCount): string {
  return `${count.toLocaleString()}${capped ? "+" : ""}`;
}

/** Whether there are none for sure. */
export function noneOf({ count, capped }: StatusCount): boolean {
  return count === 0 && !capped;
}
