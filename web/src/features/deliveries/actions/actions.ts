import type { Delivery } from "../../../api/types";
import { holdWords } from "../../../words/reasons";

/** What a person can do to get a delivery out. */
export type Action = {
  kind: "resend" | "again" | "sendNow";
  label: string;
  /** Why it cannot be done now. */
  mayNot?: string;
  /** What to say before it is done; undefined when nothing is to be asked. */
  asks?: string;
};

/** The one action that fits the state of the delivery. */
export function actionOf(d: Pick<Delivery, "status" | "reason" | "destination">): Action {
  const action = d.status === "held" ? ofHeld(d.reason) : byStatus[d.status];
  return d.destination.deleted
    ? { ...action, mayNot: "Its destination was deleted: nothing can be sent to it." }
    : action;
}

const byStatus: Record<Exclude<Delivery["status"], "held">, Action> = {
  queued: {
    kind: "sendNow",
    label: "Send now",
    mayNot: "It is queued already, and goes out as soon as there is room.",
  },
  retrying: { kind: "sendNow", label: "Send now" },
  delivered: {
    kind: "again",
    label: "Send again",
    asks: "The destination gets it a second time, marked as the same delivery: whether it takes it for the same alert is up to the receiver.",
  },
  failed: { kind: "resend", label: "Re-send" },
  cancelled: { kind: "resend", label: "Re-send" },
};

/** A held delivery has its run before it: what is wanted of it is its next try, not another run. */
function ofHeld(reason: Delivery["reason"]): Action {
  const past = reason === null ? undefined : holdWords(reason)?.sendNow;
  return { kind: "sendNow", label: "Send now", ...past };
}
