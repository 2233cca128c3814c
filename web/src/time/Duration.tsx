import { duration } from "./words";

/** How long something took; the milliseconds on hover. */
export function Duration({ ms }: { ms: number }) {
  return <span title={`${ms.toLocaleString()} ms`}>{duration(ms)}</span>;
}
