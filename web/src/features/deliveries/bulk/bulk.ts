import type { BulkOrder } from "../../../api/bulkResends";
import {
  type BulkCount,
  type BulkResend,
  type BulkResendOutcomes,
  type DeliveryCounts,
  type DeliveryFilter,
  type DeliveryStatus,
  deliveryStatuses,
  type StatusCount,
} from "../../../api/types";
import { compact } from "../../../app/search";
import { moment } from "../../../time/words";
import { isolated } from "../../../words/bidi";
import { alertTypeWord, routedByWord, severityWord } from "../../../words/labels";
import { reasonWord } from "../../../words/reasons";
import { classWord, statusWord } from "../../../words/status";
import { type DeliveriesSearch, deliveryFilters } from "../list/search";
import type { Selection } from "../selection/selection";

/** How many deliveries an order can name; more are ordered by a filter. */
export const namedAtMost = 1_000;

/** The order for what is chosen. `at` is when it was chosen: "the last day" counts back from then. */
export function orderOf(
  selection: Selection,
  search: DeliveriesSearch,
  at: number,
  how: Pick<BulkOrder, "again" | "perSecond">,
): BulkOrder {
  if (!selection.all) {
    return { deliveryIds: [...selection.ids], ...how };
  }
  const filter = compact(deliveryFilters(search, at));
  // A filter must say something; "all there are" is those of every status.
  return { filter: Object.keys(filter).length > 0 ? filter : { status: [...deliveryStatuses] }, ...how };
}

/** How many of all match, by the counts of the list. */
export function matching(counts: DeliveryCounts, status: readonly DeliveryStatus[] | undefined): StatusCount {
  const all = (status ?? deliveryStatuses).map((s) => counts[s]);
  return { count: all.reduce((sum, c) => sum + c.count, 0), capped: all.some((c) => c.capped) };
}

/** "30 failed and 2 cancelled": what an order would take. */
export function countWords(count: BulkCount): string {
  const parts = deliveryStatuses
    .filter((s) => count.byStatus[s] > 0)
    .map((s) => `${count.byStatus[s].toLocaleString()} ${statusWord[s].toLowerCase()}`);
  return listed(parts) ?? "none";
}

/** "Of these, 97 were delivered, 1 failed and 22 are still open.": what has come of the re-sent, if any were. */
export function outcomeWords(o: BulkResendOutcomes): string | undefined {
  const are = (n: number, one: string, more: string) => `${n.toLocaleString()} ${n === 1 ? one : more}`;
  const others = [
    o.failed > 0 && `${o.failed.toLocaleString()} failed`,
    o.cancelled > 0 && are(o.cancelled, "was cancelled", "were cancelled"),
    o.open > 0 && are(o.open, "is still open", "are still open"),
    o.resentAgain > 0 && are(o.resentAgain, "was re-sent once more since", "were re-sent once more since"),
    o.unknown > 0 && are(o.unknown, "is no longer known", "are no longer known"),
  ].filter((part) => part !== false);
  if (o.delivered === 0 && others.length === 0) {
    return undefined;
  }
  return `Of these, ${listed([are(o.delivered, "was delivered", "were delivered"), ...others])}.`;
}

function listed(parts: readonly string[]): string | undefined {
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts[0];
}

/** How far an order is. */
export type Progress = {
  done: number;
  /** From 0 to 1; an order for nothing is done at once. */
  share: number;
  /** How long the rest takes at least, in milliseconds; undefined when it does not go on. */
  leftMs: number | undefined;
};

export function progressOf(b: Pick<BulkResend, "total" | "resent" | "skipped" | "perSecond" | "state">): Progress {
  const done = b.resent + b.skipped;
  return {
    done,
    share: b.total === 0 ? 1 : Math.min(1, done / b.total),
    leftMs: b.state === "running" ? (Math.max(0, b.total - done) / b.perSecond) * 1_000 : undefined,
  };
}

/** What an order is for, in words: "Failed", "Case management", "High", "since 2 Mar, 14:03:27". */
export function filterWords(filter: DeliveryFilter, nameOf: (destinationId: string) => string, now: Date): string[] {
  const { status, reason, destinationId, alertId, class: outcome, statusCode, routedBy, severity, type } = filter;
  const at = (time: string) => moment(new Date(time), now);
  const parts = [
    status?.length === deliveryStatuses.length ? undefined : status?.map((s) => statusWord[s]),
    reason?.map((r) => reasonWord(r)),
    destinationId?.map((id) => isolated(nameOf(id))),
    outcome?.map((c) => classWord[c]),
    statusCode === undefined ? undefined : [`code ${statusCode}`],
    severity?.map((s) => severityWord[s]),
    type?.map((t) => alertTypeWord[t]),
    routedBy?.map((r) => routedByWord[r].toLowerCase()),
    alertId === undefined ? undefined : [`alert ${isolated(alertId)}`],
    filter.from === undefined ? undefined : [`since ${at(filter.from)}`],
    filter.to === undefined ? undefined : [`before ${at(filter.to)}`],
  ];
  return parts
    .filter((p) => p !== undefined)
    .map((p) => (p.length > 3 ? `${p[0]} and ${p.length - 1} more` : p.join(" or ")));
}

/** How far an order was at some moment. */
export type Sample = { at: number; done: number };

const paceOver = 5_000;

/** Takes a sample to those of the last few seconds. */
export function sampled(samples: readonly Sample[], next: Sample): Sample[] {
  return [...samples.filter((s) => s.at < next.at && s.at >= next.at - paceOver), next];
}

/** How many a second had their turn of late; undefined when that cannot be told yet. */
export function paceOf(samples: readonly Sample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < 1_500) {
    return undefined;
  }
  return ((last.done - first.done) * 1_000) / (last.at - first.at);
}
