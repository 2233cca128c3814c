import { useQueryClient } from "@tanstack/react-query";
import { pauseDestination } from "../../../api/destinations";
import type { Destination } from "../../../api/types";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";
import { isolated } from "../../../words/bidi";
import { showDestination, useChange } from "./useChange";

/** Asks before a destination is paused: most do not expect that alerts are still routed to it. */
export function PauseDialog({ destination, onClose }: { destination: Destination; onClose: () => void }) {
  const queries = useQueryClient();
  const pause = useChange(
    destination.id,
    () => pauseDestination(destination.id),
    (d) => {
      showDestination(queries, d);
      onClose();
    },
    "Paused",
  );
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={`Pause ${isolated(destination.displayName)}?`}
      confirm="Pause"
      pending={pause.isPending}
      error={pause.error}
      onConfirm={() => pause.mutate()}
    >
      Nothing more is sent to it. Alerts are still routed to it, and wait with its open deliveries: they are held, spend
      no attempt and do not expire. Resume it to send them, or to discard them.
    </ConfirmDialog>
  );
}
