import type { Delivery } from "../api/types";

/** What a person can do to get a delivery out. */
export type Action = {
  kind: "resend" | "again" | "sendNow";
  label: string;
  /** Why it cannot be done now. */
  mayNot?: string;
};

/** The one action that fits how the delivery stands. */
export function actionOf(d: Pick<Delivery, "status" | "destination">): Action {
  const action = byStatus(d.status);
  return d.destination.deleted
    ? { ...action, mayNot: "Its destination was deleted: nothing can be sent to it." }
    : action;
}

function byStatus(status: Delivery["status"]): Action {
  switch (status) {
    case "queued":
      return {
        kind: "sendNow",
        label: "Send now",
        mayNot: "It is queued already, and goes out as soon as there is room.",
      };
    case "retrying":
      return { kind: "sendNow", label: "Send now" };
    case "delivered":
      return { kind: "again", label: "Send again" };
    case "held":
    case "failed":
    case "cancelled":
      return { kind: "resend", label: "Re-send" };
  }
}
