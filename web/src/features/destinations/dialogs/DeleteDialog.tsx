import { useQuery, useQueryClient } from "@tanstack/react-query";
import { deleteDestination, destinationCountsQuery, namingQuery } from "../../../api/destinations";
import type { Destination } from "../../../api/types";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";
import { SkeletonLines } from "../../../ui/page/Loaded";
import { isolated } from "../../../words/bidi";
import { countText } from "../health/health";
import { NamingText } from "./NamingText";
import { openCount } from "./open";
import { useChange } from "./useChange";

/** Asks before a destination is deleted, and says what is cancelled with it. */
export function DeleteDialog({
  destination,
  onClose,
  onDeleted,
}: {
  destination: Destination;
  onClose: () => void;
  onDeleted: () => void;
}) {
  const counts = useQuery(destinationCountsQuery(destination.id));
  const naming = useQuery(namingQuery(destination.id));
  const queries = useQueryClient();
  const remove = useChange(
    destination.id,
    () => deleteDestination(destination.id),
    () => {
      queries.setQueryData<Destination[]>(["destinations"], (all) => all?.filter((d) => d.id !== destination.id));
      onDeleted();
    },
    "Deleted",
  );
  const open = counts.data && openCount(counts.data);
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={`Delete ${isolated(destination.displayName)}?`}
      confirm="Delete"
      danger
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      {counts.isPending && <SkeletonLines lines={1} />}
      {counts.isError && <p>Its open deliveries could not be counted. They will be cancelled.</p>}
      {open !== undefined && (
        <p>
          {open.n === 0 ? (
            "No delivery to it is open."
          ) : (
            <>
              <strong>
                {countText(open.n, open.more)} open {open.n === 1 ? "delivery is" : "deliveries are"} cancelled
              </strong>{" "}
              and cannot be sent there any more.
            </>
          )}
        </p>
      )}
      <p>
        <NamingText naming={naming} />{" "}
        {naming.data?.alerts !== 0 && (
          <>
            Such alerts are then unrouted, unless they name others too, and Overview lists them. To keep them, give its
            name to another destination.
          </>
        )}
      </p>
      <p>
        New alerts no longer go to it. Its past deliveries and attempts stay, with its name. Its URL, headers and
        signing secret are gone. This cannot be taken back; to stop for a while, pause it instead.
      </p>
    </ConfirmDialog>
  );
}
