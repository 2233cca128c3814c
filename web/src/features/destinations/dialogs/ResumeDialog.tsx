import { Radio, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { destinationCountsQuery, resumeDestination } from "../../../api/destinations";
import type { Destination } from "../../../api/types";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";
import { SkeletonLines } from "../../../ui/page/Loaded";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { isolated } from "../../../words/bidi";
import { countText } from "../health/health";
import { openCount } from "./open";
import { showDestination, useChange } from "./useChange";

/** Asks what becomes of what waits when a destination is resumed: it is sent, or it is discarded. */
export function ResumeDialog({
  destination,
  onClose,
  discard: first = false,
}: {
  destination: Destination;
  onClose: () => void;
  /** What is chosen at first. */
  discard?: boolean;
}) {
  const [discard, setDiscard] = useState(first);
  const queries = useQueryClient();
  const counts = useQuery(destinationCountsQuery(destination.id));
  const resume = useChange(
    destination.id,
    () => resumeDestination(destination.id, discard),
    (d) => {
      showDestination(queries, d);
      onClose();
    },
    discard ? "Resumed, and the waiting deliveries were cancelled" : "Resumed",
  );
  const open = counts.data && openCount(counts.data);
  const waiting = open && countText(open.n, open.more);
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={`Resume ${isolated(destination.displayName)}?`}
      confirm={discard ? `Resume and discard${waiting ? ` ${waiting}` : ""}` : "Resume"}
      danger={discard}
      pending={resume.isPending}
      error={resume.error}
      onConfirm={() => resume.mutate()}
    >
      {counts.isPending && <SkeletonLines lines={2} />}
      {counts.isError && (
        <ProblemAlert
          title="The number of waiting deliveries could not be loaded"
          error={counts.error}
          retry={() => void counts.refetch()}
        />
      )}
      {open?.n === 0 && <p>No delivery waits for it. New ones are sent from now on.</p>}
      {open !== undefined && open.n > 0 && (
        <Radio.Group
          label={`${waiting} ${open.n === 1 ? "delivery waits" : "deliveries wait"} for it`}
          value={discard ? "discard" : "send"}
          onChange={(v) => setDiscard(v === "discard")}
        >
          <Stack gap="xs" mt="xs">
            <Radio
              size="xs"
              value="send"
              label="Send them"
              description="Each goes on when it is due, within the limits of the destination."
            />
            <Radio
              size="xs"
              value="discard"
              label="Discard them"
              description={`All ${waiting} are cancelled. They stay in the list, and can be re-sent later.`}
            />
          </Stack>
        </Radio.Group>
      )}
    </ConfirmDialog>
  );
}
