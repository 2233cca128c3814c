import type { AttemptClass, DeliveryReason, DeliveryStatus } from "../api/types";
import { span } from "../time/words";
import { reasonWord } from "./reasons";

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

/** What a chip says: the status, and when the next try comes or why there is none. */
export function statusText(s: DeliveryState, now: number): string {
  if (s.status === "retrying" && s.dueAt !== null) {
    const left = Date.parse(s.dueAt) - now;
    return left <= 0 ? "Retrying now" : `Retrying in ${span(left + 999)}`;
  }
  if (s.status === "failed" && s.reason === "attempts_exhausted") {
    return statusWord.failed; // what failed means
  }
  return s.reason === null ? statusWord[s.status] : `${statusWord[s.status]}: ${reasonWord(s.reason)}`;
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
