import { now } from "./clock";
import { useNow } from "./useNow";
import { exactly, moment, relative } from "./words";

/** A moment in local time, with UTC on hover. `ago` says how long ago instead, and goes on counting. */
export function Time({ at, ago = false }: { at: string; ago?: boolean }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={exactly(date)}>
      {ago ? <Relative at={date.getTime()} /> : moment(date, new Date(now()))}
    </time>
  );
}

function Relative({ at }: { at: number }) {
  return relative(at, useNow());
}
