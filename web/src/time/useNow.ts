import { useSyncExternalStore } from "react";
import { now } from "./clock";

// One timer for all that counts: many countdowns tick together, and none ticks while nobody shows one.
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let current = now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

function tick() {
  current = now();
  for (const listener of listeners) {
    listener();
  }
}

function snapshot(): number {
  // A first look after a quiet time must not get the time of the last tick.
  if (timer === undefined && Math.abs(now() - current) >= 1_000) {
    current = now();
  }
  return current;
}

/** The time, to the second, in milliseconds since 1970. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, snapshot);
}
