import type { AttemptClass, DeliveryReason, DeliveryStatus } from "../api/types";
import { span } from "../time/words";

/** What of a delivery its chip depends on. A summary in a list and the delivery itself both have it. */
export type DeliveryState = {
  status: DeliveryStatus;
  reason: DeliveryReason | null;
  dueAt: string | null;
};

export const statusWord: Record<DeliveryStatus, string> = {
  queued: "Queued",
  retrying: "Retrying",
  held: "Held",
  delivered: "Delivered",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** Why it is held, failed or cancelled, in a few words that follow the status. */
export const reasonWord: Record<DeliveryReason, string> = {
  paused: "paused",
  busy: "busy",
  not_answering: "not answering",
  our_side: "our side failed",
  misconfigured: "misconfigured",
  attempts_exhausted: "all tries used",
  expired: "expired",
  destination_deleted: "destination deleted",
  by_person: "by a person",
};

/** The status that a reason belongs to. */
export const reasonStatus: Record<DeliveryReason, DeliveryStatus> = {
  paused: "held",
  busy: "held",
  not_answering: "held",
  our_side: "held",
  misconfigured: "held",
  attempts_exhausted: "failed",
  expired: "failed",
  destination_deleted: "cancelled",
  by_person: "cancelled",
};

/** The same in a sentence. */
export const reasonSentence: Record<DeliveryReason, string> = {
  paused: "Its destination is paused. It goes out when the destination is resumed.",
  busy: "Its destination has as much under way as it may have. It goes out as soon as there is room.",
  not_answering:
    "Its destination keeps failing, so deliveries wait instead of using up their tries. One at a time probes it; when it answers, all go out.",
  our_side:
    "Five times in a row Belfry's own machine ran out of sockets, ports or memory, it stopped, or it lacked the sealing key. It tries again each minute or sooner, and no attempt is charged.",
  misconfigured: "The settings of its destination cannot be used. Enter them again, and it goes out.",
  attempts_exhausted: "Every try of its run failed. Re-send it once the destination is well.",
  expired: "It was held for a destination that did not answer for longer than the server allows.",
  destination_deleted: "Its destination was deleted.",
  by_person: "Someone cancelled it.",
};

/** What a chip says: the status, and when the next try comes or why there is none. */
export function statusText(s: DeliveryState, now: number): string {
  if (s.status === "retrying" && s.dueAt !== null) {
    const left = Date.parse(s.dueAt) - now;
    return left <= 0 ? "Retrying now" : `Retrying in ${span(left + 999)}`;
  }
  if (s.status === "failed" && s.reason === "attempts_exhausted") {
    return statusWord.failed; // what failed means
  }
  return s.reason === null ? statusWord[s.status] : `${statusWord[s.status]}: ${reasonWord[s.reason]}`;
}

/** The short form of what came of an attempt: the HTTP code if there is one, else the class. */
export function outcomeWord(attemptClass: AttemptClass, statusCode: number | null): string {
  return statusCode === null ? classWord[attemptClass] : String(statusCode);
}

export const classWord: Record<AttemptClass, string> = {
  acked: "Acknowledged",
  rejected: "Rejected",
  redirected: "Redirected",
  timeout: "Timeout",
  dns: "DNS",
  refused: "Refused",
  reset: "Reset",
  tls: "TLS",
  blocked_address: "Blocked address",
  protocol: "Protocol",
  interrupted: "Interrupted",
};
