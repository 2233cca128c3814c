import { Button, Group, Modal, Select, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { bulkCountQuery, bulkKey, startBulkResend } from "../../../api/bulkResends";
import type { Destination } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { type Last, lasts, rangeAt } from "../../../app/search";
import { now } from "../../../time/clock";
import { useAnnounce } from "../../../ui/act/Announcer";
import { SkeletonLines } from "../../../ui/page/Loaded";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { isolated } from "../../../words/bidi";
import { countText } from "../health/health";
import { readAgain } from "./useChange";

const sinceWords: Record<Last | "ever", string> = {
  ever: "of any age",
  "15m": "of the last 15 minutes",
  "1h": "of the last hour",
  "24h": "of the last 24 hours",
  "7d": "of the last 7 days",
  "30d": "of the last 30 days",
};

/** Re-sends what failed at a destination: counts first, then orders it. */
export function ResendDialog({ destination, onClose }: { destination: Destination; onClose: () => void }) {
  const [since, setSince] = useState<Last | "ever">("ever");
  // The count and the order are of the same stretch of time.
  const [at] = useState(now);
  const queries = useQueryClient();
  const announce = useAnnounce();
  const filter = {
    status: ["failed" as const],
    destinationId: [destination.id],
    ...(since === "ever" ? {} : rangeAt({ last: since }, at)),
  };
  const count = useQuery(bulkCountQuery({ filter }));
  const order = useAction({
    mutationFn: () => startBulkResend({ filter }),
    onSuccess: () => announce("Begun"),
    onSettled: () => {
      readAgain(queries, destination.id);
      void queries.invalidateQueries({ queryKey: bulkKey });
    },
  });
  const total = count.data?.total ?? 0;
  const said = count.data && countText(total, count.data.capped);
  return (
    <Modal opened onClose={onClose} title={`Re-send what failed at ${isolated(destination.displayName)}`}>
      {order.isSuccess ? (
        <Stack gap="sm">
          <p>
            Begun. {order.data.total.toLocaleString()} {order.data.total === 1 ? "delivery is" : "deliveries are"} being
            queued, at most {order.data.perSecond} a second and behind new alerts. What comes of them shows in their
            status.
          </p>
          <Group justify="flex-end" gap="xs">
            <Button
              variant="default"
              renderRoot={(props) => <Link {...props} to="/deliveries/bulk-resends" onClick={onClose} />}
            >
              See how far it is
            </Button>
            <Button onClick={onClose} data-autofocus>
              Close
            </Button>
          </Group>
        </Stack>
      ) : (
        <Stack gap="sm">
          <Select
            label="Failed deliveries"
            data={(["ever", ...lasts] as const).map((value) => ({ value, label: sinceWords[value] }))}
            value={since}
            onChange={(v) => setSince(lasts.find((l) => l === v) ?? "ever")}
            allowDeselect={false}
          />
          {count.isPending && <SkeletonLines lines={1} />}
          {count.isError && (
            <ProblemAlert title="They could not be counted" error={count.error} retry={() => void count.refetch()} />
          )}
          {count.data && (
            <p style={{ margin: 0 }}>
              {total === 0 ? (
                "Nothing failed there in that time."
              ) : (
                <>
                  <strong>
                    {said} failed {total === 1 ? "delivery" : "deliveries"}
                  </strong>{" "}
                  {total === 1 ? "gets" : "get"} a new run each, at most 50 a second and behind new alerts.
                  {destination.state === "paused" && " The destination is paused: they wait until it is resumed."}
                </>
              )}
            </p>
          )}
          {order.isError && <ProblemAlert title="That did not work" error={order.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button disabled={total === 0} loading={order.isPending} onClick={() => order.mutate()} data-autofocus>
              {total === 0 ? "Re-send" : `Re-send ${said}`}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
