import type { Timing } from "../../../api/types";

export type Part = { name: string; from: number; ms: number };

/** The parts of an attempt one after the other, those that took place. What is left over is our own work. */
export function partsOf(timing: Timing, totalMs: number): Part[] {
  const named: [string, number][] = [
    ["DNS", timing.dnsMs],
    ["Connect", timing.connectMs],
    ["TLS", timing.tlsMs],
    ["Waiting for the answer", timing.firstByteMs],
    ["Reading the answer", timing.bodyMs],
  ];
  const parts: Part[] = [];
  let at = 0;
  for (const [name, ms] of named) {
    if (ms > 0) {
      parts.push({ name, from: at, ms });
      at += ms;
    }
  }
  const rest = totalMs - at;
  if (rest > Math.max(0.5, totalMs * 0.01)) {
    parts.push({ name: parts.length === 0 ? "In all" : "Else", from: at, ms: rest });
  }
  return parts;
}
