import { useState } from "react";
import { useMayNot } from "../api/session";
import type { Delivery } from "../api/types";
import { ActionButton } from "../parts/ActionButton";
import { ConfirmDialog } from "../parts/ConfirmDialog";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Time } from "../time/Time";
import { actionOf } from "./actions";
import { useSend } from "./useSend";

/** "Send now", "Re-send" or "Send again", as the delivery stands. Sending again asks first. */
export function SendButton({ delivery, shortcut }: { delivery: Delivery; shortcut?: string }) {
  const [asking, setAsking] = useState(false);
  const send = useSend(delivery);
  const mayNot = useMayNot("operate");
  const action = actionOf(delivery);
  return (
    <>
      <ActionButton
        mayNot={action.mayNot ?? mayNot}
        loading={send.isPending}
        shortcut={shortcut}
        onClick={() => (action.kind === "again" ? setAsking(true) : send.mutate())}
      >
        {action.label}
      </ActionButton>
      {send.isError && !asking && <ProblemAlert title={`“${action.label}” did not work`} error={send.error} />}
      <ConfirmDialog
        opened={asking}
        onClose={() => {
          setAsking(false);
          send.reset();
        }}
        title={`Send again to ${delivery.destination.displayName}?`}
        confirm="Send again"
        pending={send.isPending}
        error={send.error}
        onConfirm={() => send.mutate(undefined, { onSuccess: () => setAsking(false) })}
      >
        It was delivered{" "}
        {delivery.firstAckAt !== null && (
          <>
            at <Time at={delivery.firstAckAt} />
          </>
        )}
        . The destination gets it a second time, with the same webhook-id: whether it takes it for the same alert is up
        to the receiver.
      </ConfirmDialog>
    </>
  );
}
