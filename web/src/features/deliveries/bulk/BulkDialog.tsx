import { Checkbox, Stack, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  type BulkOrder,
  bulkCountQuery,
  bulkKey,
  bulkResendQuery,
  justOrdered,
  startBulkResend,
} from "../../../api/bulkResends";
import { destinationsQuery } from "../../../api/destinations";
import type { BulkCount } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { now } from "../../../time/clock";
import { span } from "../../../time/words";
import { useAnnounce } from "../../../ui/act/Announcer";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";
import { Loaded } from "../../../ui/page/Loaded";
import { numberOf, wholeError } from "../../../words/number";
import type { DeliveriesSearch } from "../list/search";
import type { Selection } from "../selection/selection";
import classes from "./BulkDialog.module.css";
import { countWords, filterWords, orderOf } from "./bulk";

/** What was chosen when the dialog was opened. */
export type Chosen = { selection: Selection; search: DeliveriesSearch; at: number };

const usualPace = 50;

/** Counts what a bulk re-send would take, says what that means, and starts it. */
export function BulkDialog({
  chosen,
  onClose,
  onStarted,
}: {
  chosen: Chosen;
  onClose: () => void;
  onStarted: (id: string) => void;
}) {
  const [again, setAgain] = useState(false);
  const [pace, setPace] = useState(String(usualPace));
  const queries = useQueryClient();
  const announce = useAnnounce();
  const order = orderOf(chosen.selection, chosen.search, chosen.at, { again });
  const count = useQuery(bulkCountQuery(order));
  const paceWrong = wholeError(pace, 1_000);
  const perSecond = paceWrong === undefined ? numberOf(pace) : undefined;
  const start = useAction({
    mutationFn: () => startBulkResend({ ...order, ...(perSecond && { perSecond }) }),
    onSuccess: (bulk) => {
      queries.setQueryData(bulkResendQuery(bulk.id).queryKey, justOrdered(bulk));
      void queries.invalidateQueries({ queryKey: bulkKey });
      announce(`Begun: ${bulk.total} deliveries are re-sent one after the other`);
      onStarted(bulk.id);
    },
  });
  const total = count.data?.total ?? 0;
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title="Re-send many deliveries?"
      confirm={count.data ? `Re-send ${total.toLocaleString()}` : "Re-send"}
      mayNot={
        count.data === undefined ? "They are being counted." : total === 0 ? "There is nothing to re-send." : paceWrong
      }
      pending={start.isPending}
      error={start.error}
      onConfirm={() => start.mutate()}
    >
      <Stack gap="sm">
        <OrderWords order={order} />
        <Loaded query={count} what="The count" lines={2}>
          {(counted) => <CountWords count={counted} chosen={chosen} perSecond={perSecond} />}
        </Loaded>
        {mayBeDelivered(chosen) && (
          <Checkbox
            label="Also those that were delivered"
            description="Their destinations get them a second time, marked as the same delivery."
            checked={again}
            onChange={(e) => setAgain(e.currentTarget.checked)}
          />
        )}
        <TextInput
          label="How many a second, at most"
          description="New alerts go first, and each destination’s limits apply."
          inputMode="numeric"
          autoComplete="off"
          value={pace}
          onChange={(e) => setPace(e.currentTarget.value)}
          error={paceWrong}
          w={220}
        />
      </Stack>
    </ConfirmDialog>
  );
}

/** Whether any that was delivered can be among them. */
function mayBeDelivered({ selection, search }: Chosen): boolean {
  return !selection.all || search.status === undefined || search.status.includes("delivered");
}

/** What an order is for. */
function OrderWords({ order }: { order: BulkOrder }) {
  const { data: destinations = [] } = useQuery(destinationsQuery);
  if (order.filter === undefined) {
    return null;
  }
  const nameOf = (id: string) => destinations.find((d) => d.id === id)?.displayName ?? "a deleted destination";
  const words = filterWords(order.filter, nameOf, new Date(now()));
  return <div className="dim">All that match: {words.length > 0 ? words.join(" · ") : "no filter is set"}.</div>;
}

function CountWords({ count, chosen, perSecond }: { count: BulkCount; chosen: Chosen; perSecond: number | undefined }) {
  const { selection } = chosen;
  const left = selection.all ? 0 : selection.ids.size - count.total;
  return (
    <div>
      <div className={classes.total}>
        {count.total === 0 ? (
          "None of them can be re-sent."
        ) : (
          <>
            {countWords(count)} will be re-sent{count.capped && ", the oldest first: there may be more"}
            {perSecond !== undefined && count.total > perSecond && (
              <>, in no less than {span((count.total / perSecond) * 1_000)}</>
            )}
            .
          </>
        )}
      </div>
      <div className="dim">
        {left > 0 && count.total > 0 && `The other ${left.toLocaleString()} selected are left out. `}
        {count.total === 0
          ? "Only deliveries that failed or were cancelled are re-sent together. Those that wait go out by themselves. “Send now” in a row sends that one at once."
          : "Those that wait go out by themselves. A delivery that is delivered or re-sent before its turn comes is skipped."}
      </div>
    </div>
  );
}
