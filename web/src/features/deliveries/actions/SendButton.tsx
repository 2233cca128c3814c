import { useState } from "react";
import { useMayNot } from "../../../api/session";
import type { Delivery } from "../../../api/types";
import { Time } from "../../../time/Time";
import { ActionButton } from "../../../ui/act/ActionButton";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { isolated } from "../../../words/bidi";
import { type Action, actionOf } from "./actions";
import classes from "./SendButton.module.css";
import { useSend } from "./useSend";

/**
 * "Send now", "Re-send" or "Send again", by the state of the delivery. What goes out a second time, or past a hold, asks
 * first. What went wrong is an element of its own beside the button's, for the row to give it room.
 */
export function SendButton({ delivery, shortcut }: { delivery: Delivery; shortcut?: string | undefined }) {
  const send = useSend();
  const mayNot = useMayNot("operate");
  const action = actionOf(delivery);
  const [asking, setAsking] = useState(false);
  // The dialog stays by what it asks, whatever becomes of the delivery meanwhile.
  const [asked, setAsked] = useState(action);
  const press = () => {
    if (action.asks === undefined) {
      send.mutate({ delivery, action });
    } else {
      setAsked(action);
      setAsking(true);
    }
  };
  return (
    <>
      <div>
        <ActionButton
          mayNot={send.isPending ? undefined : (action.mayNot ?? mayNot)}
          loading={send.isPending}
          shortcut={shortcut}
          onClick={press}
        >
          {action.label}
        </ActionButton>
        <ConfirmDialog
          opened={asking}
          onClose={() => {
            setAsking(false);
            send.reset();
          }}
          title={`${asked.label} to ${isolated(delivery.destination.displayName)}?`}
          confirm={asked.label}
          pending={send.isPending}
          error={send.error}
          onConfirm={() => send.mutate({ delivery, action: asked }, { onSuccess: () => setAsking(false) })}
        >
          <Question action={asked} delivery={delivery} />
        </ConfirmDialog>
      </div>
      {send.isError && !asking && (
        <div className={classes.failed}>
          <ProblemAlert title={`“${send.variables.action.label}” did not work`} error={send.error} />
        </div>
      )}
    </>
  );
}

function Question({ action, delivery }: { action: Action; delivery: Delivery }) {
  if (action.kind !== "again") {
    return action.asks;
  }
  return (
    <>
      It was delivered
      {delivery.firstAckAt !== null && (
        <>
          {" "}
          at <Time at={delivery.firstAckAt} />
        </>
      )}
      . {action.asks}
    </>
  );
}
