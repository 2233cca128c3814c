import type { AuditSubjectType } from "../../api/types";

export const subjectWord: Record<AuditSubjectType, string> = {
  destination: "destination",
  delivery: "delivery",
  bulk_resend: "bulk re-send",
  alert: "alert",
  token: "token",
  session: "session",
  authentication: "address",
};

const actions: Record<string, string> = {
  "destination.create": "created a destination",
  "destination.update": "changed a destination",
  "destination.delete": "deleted a destination",
  "destination.pause": "paused a destination",
  "destination.resume": "resumed a destination",
  "destination.rotate_signing_secret": "rotated a signing secret",
  "delivery.resend": "re-sent a delivery",
  "delivery.send_now": "sent a delivery now",
  "delivery.cancel": "cancelled a delivery",
  "alert.send": "sent an alert to more destinations",
  "bulk_resend.start": "started a bulk re-send",
  "bulk_resend.pause": "paused a bulk re-send",
  "bulk_resend.resume": "resumed a bulk re-send",
  "bulk_resend.cancel": "cancelled a bulk re-send",
  "bulk_resend.finish": "’s bulk re-send is done",
  "token.create": "created a token",
  "token.revoke": "revoked a token",
  "session.open": "signed in",
  "session.close": "signed out",
  "session.end": "ended a session",
  "authentication.fail": "failed to authenticate",
};

/** What was done, after the name of who did it. One that a newer server writes is shown as it is. */
export function actionWord(action: string): string {
  return actions[action] ?? action;
}

/** The name that an entry's detail gives to what was changed, where it does. */
export function nameIn(detail: Record<string, unknown>): string | undefined {
  const name = detail.displayName ?? detail.name;
  return typeof name === "string" ? name : undefined;
}
