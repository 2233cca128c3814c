import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { alertKey } from "../../../api/alerts";
import { cancelDelivery, deliveryKey } from "../../../api/deliveries";
import { useMayNot } from "../../../api/session";
import type { Delivery } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { ActionButton } from "../../../ui/act/ActionButton";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";
import { isolated } from "../../../words/bidi";
import { showDelivery } from "./useSend";

/** Ends an open delivery, after asking. There is no such button on one that has ended. */
export function CancelButton({ delivery }: { delivery: Delivery }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const mayNot = useMayNot("operate");
  const cancel = useAction({
    mutationFn: () => cancelDelivery(delivery.id),
    onSuccess: (answer) => {
      showDelivery(queries, answer);
      setAsking(false);
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: deliveryKey(delivery.id) });
      void queries.invalidateQueries({ queryKey: alertKey(delivery.alertId) });
    },
  });
  const open = delivery.status === "queued" || delivery.status === "retrying" || delivery.status === "held";
  if (!open && !asking) {
    return null;
  }
  return (
    <>
      <ActionButton size="compact-xs" variant="subtle" color="gray" mayNot={mayNot} onClick={() => setAsking(true)}>
        Cancel delivery
      </ActionButton>
      <ConfirmDialog
        opened={asking}
        onClose={() => {
          setAsking(false);
          cancel.reset();
        }}
        title={`Cancel the delivery to ${isolated(delivery.destination.displayName)}?`}
        confirm="Cancel delivery"
        dismiss="Keep it"
        danger
        pending={cancel.isPending}
        error={cancel.error}
        onConfirm={() => cancel.mutate()}
      >
        No further try is made. One that is under way goes on, and if it is acknowledged the delivery is delivered all
        the same. You can re-send it later.
      </ConfirmDialog>
    </>
  );
}
