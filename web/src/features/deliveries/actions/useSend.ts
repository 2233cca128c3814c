import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { alertKey } from "../../../api/alerts";
import { deliveryKey, resendDelivery, sendDeliveryNow } from "../../../api/deliveries";
import type { AlertDetails, AlertSummary, Delivery, DeliveryDetails, ListedDelivery } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { now } from "../../../time/clock";
import { useAnnounce } from "../../../ui/act/Announcer";
import type { Action } from "./actions";

/** A delivery as it stood when its button was pressed, and what the button said. */
export type Order = { delivery: Delivery; action: Action };

/**
 * Sends a delivery. It is shown as queued at once, and put back when the server says no, or nothing. That the server
 * took the order is not yet success: what comes of it is shown when it is known.
 */
export function useSend() {
  const queries = useQueryClient();
  const announce = useAnnounce();
  return useAction({
    // All of this goes by the order: what the page shows by then is only the guess.
    mutationFn: ({ delivery: { id, run }, action: { kind } }: Order) =>
      kind === "sendNow" ? sendDeliveryNow(id) : resendDelivery(id, run, kind === "again"),
    onMutate: (order) => showDelivery(queries, guess(order)),
    onSuccess: (answer, { delivery }) => {
      showDelivery(queries, answer);
      announce(`Queued: the next try to ${delivery.destination.displayName}`);
    },
    onError: (_error, { delivery }) => showDelivery(queries, delivery),
    onSettled: (_answer, _error, { delivery }) => {
      // Runs and attempts are told anew, and whatever else stood in the way.
      void queries.invalidateQueries({ queryKey: deliveryKey(delivery.id) });
      void queries.invalidateQueries({ queryKey: alertKey(delivery.alertId) });
    },
  });
}

/** The delivery as it will stand once the server has taken the order. */
function guess({ delivery: d, action }: Order): Delivery {
  const due = { dueAt: new Date(now()).toISOString(), reason: null, finishedAt: null };
  return action.kind === "sendNow"
    ? { ...d, ...due, status: d.attempts > 0 ? "retrying" : "queued" }
    : { ...d, ...due, status: "queued", run: d.run + 1, attempts: 0 };
}

/** Shows a delivery as it is now wherever it is on the page. */
export function showDelivery(queries: QueryClient, d: Delivery): void {
  const here = <T extends { id: string }>(other: T): T => (other.id === d.id ? { ...other, ...pick(d, other) } : other);
  queries.setQueryData<AlertDetails>(
    alertKey(d.alertId),
    (data) => data && { ...data, deliveries: data.deliveries.map(here) },
  );
  queries.setQueryData<DeliveryDetails>(deliveryKey(d.id), (data) => data && { ...data, ...d });
  type Pages<T> = { pages: { items: T[] }[]; pageParams: unknown[] };
  queries.setQueriesData<Pages<ListedDelivery>>(
    { queryKey: ["list", "deliveries"] },
    (data) => data && { ...data, pages: data.pages.map((p) => ({ ...p, items: p.items.map(here) })) },
  );
  const inAlert = (a: AlertSummary) => (a.alertId === d.alertId ? { ...a, deliveries: a.deliveries.map(here) } : a);
  queries.setQueriesData<Pages<AlertSummary>>(
    { queryKey: ["list", "alerts"] },
    (data) => data && { ...data, pages: data.pages.map((p) => ({ ...p, items: p.items.map(inAlert) })) },
  );
}

/** Of a delivery what the other one, perhaps a summary, has too. */
function pick<T extends object>(d: Delivery, other: T): Partial<T> {
  // The names that both have mean the same in both: the contract says so.
  return Object.fromEntries(Object.entries(d).filter(([name]) => name in other)) as Partial<T>;
}
