import type { DeliveryCounts } from "../../../api/types";

/** How many deliveries are still to be made; `more` when counting stopped at its bound, and there may be more. */
export function openCount({ queued, retrying, held }: DeliveryCounts): { n: number; more: boolean } {
  return {
    n: queued.count + retrying.count + held.count,
    more: queued.capped || retrying.capped || held.capped,
  };
}
