import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { alertKey } from "../api/alerts";
import { bulkKey, bulkListKey, changingBulk } from "../api/bulkResends";
import { deliveryKey } from "../api/deliveries";
import { reach } from "../api/session";
import { type Change, LiveSource, type LiveState } from "./source";

const source = new LiveSource();

/** Keeps the page live while the component is there. The shell calls it, once. */
export function useLiveConnection(): void {
  const queries = useQueryClient();
  useEffect(() => {
    const forget = source.onChange((change) => refresh(queries, change));
    const stop = source.start(() => reach(queries));
    return () => {
      stop();
      forget();
    };
  }, [queries]);
}

/** Whether changes are told as they happen. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(source.onState, source.getState);
}

/** Calls the listener for each change that the server tells of. */
export function useChanges(listener: (change: Change) => void): void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => source.onChange((change) => latest.current(change)), []);
}

const sumsEvery = 2_000;
const bulkEvery = 1_000;

const waiting = new Set<"sums" | "bulk">();

/** Reads after a while, once for all that happens until then: for what changes often, and costs more than a row. */
function soon(what: "sums" | "bulk", after: number, read: () => void): void {
  if (waiting.has(what)) {
    return;
  }
  waiting.add(what);
  setTimeout(() => {
    waiting.delete(what);
    read();
  }, after);
}

/** Sums change with every delivery: they are read again every so often. */
function refreshSums(queries: QueryClient): void {
  soon("sums", sumsEvery, () => {
    for (const kind of ["counts", "health", "recent"]) {
      void queries.invalidateQueries({ queryKey: [kind] }, { cancelRefetch: false });
    }
    refreshBulks(queries);
  });
}

/** What has come of an order is summed up, too. Where that cannot change any more, it is not read again. */
function refreshBulks(queries: QueryClient): void {
  void queries.invalidateQueries(
    { queryKey: bulkKey, predicate: (query) => changingBulk(query.state.data) },
    { cancelRefetch: false },
  );
}

/** Reads again what a change touches. Lists look after themselves (list/useList): their rows must not jump. */
export function refresh(queries: QueryClient, change: Change): void {
  const again = (queryKey: readonly unknown[]) =>
    void queries.invalidateQueries({ queryKey }, { cancelRefetch: false });
  switch (change.kind) {
    case "alert":
      again(alertKey(change.alertId));
      refreshSums(queries); // deliveries that are held from the start are told of by nothing else
      break;
    case "delivery":
      again(alertKey(change.alertId));
      again(deliveryKey(change.id));
      refreshSums(queries);
      break;
    case "destination":
      again(["destinations"]);
      again(["route"]);
      refreshSums(queries);
      break;
    case "bulk_resend":
      again(bulkListKey);
      soon("bulk", bulkEvery, () => refreshBulks(queries));
      break;
    case "many":
      refreshSums(queries);
      for (const kind of ["alert", "delivery", "destinations", "route", "server", "bulk-resends"]) {
        again([kind]);
      }
  }
}
