import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { patchDestination } from "../../../api/destinations";
import { useMayNot } from "../../../api/session";
import type { Destination } from "../../../api/types";
import { ActionButton } from "../../../ui/act/ActionButton";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";
import { isolated } from "../../../words/bidi";
import { revealed } from "../../../words/reveal";
import { showDestination, useChange } from "../dialogs/useChange";
import classes from "./FormerNames.module.css";

/** The names that a destination had before and that still reach it, each with the way to end that. */
export function FormerNames({ destination: d }: { destination: Destination }) {
  const mayNot = useMayNot("admin");
  const [ending, setEnding] = useState<string>();
  return (
    <>
      <ul className={classes.list}>
        {d.formerNames.map((name) => (
          <li key={name}>
            <span className={classes.name}>{isolated(revealed(name))}</span>
            <ActionButton
              size="compact-xs"
              mayNot={mayNot}
              aria-label={`Remove the former name ${isolated(revealed(name))}`}
              onClick={() => setEnding(name)}
            >
              Remove…
            </ActionButton>
          </li>
        ))}
      </ul>
      <div className="dim">Alerts that name one of these still come here.</div>
      {ending !== undefined && <EndDialog destination={d} name={ending} onClose={() => setEnding(undefined)} />}
    </>
  );
}

function EndDialog({ destination: d, name, onClose }: { destination: Destination; name: string; onClose: () => void }) {
  const queries = useQueryClient();
  const end = useChange(
    d.id,
    () => patchDestination(d.id, d.version, { formerNames: d.formerNames.filter((other) => other !== name) }),
    (changed) => {
      showDestination(queries, changed);
      onClose();
    },
    "Removed",
  );
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={`Remove the former name ${isolated(revealed(name))}?`}
      confirm="Remove"
      danger
      pending={end.isPending}
      error={end.error}
      onConfirm={() => end.mutate()}
    >
      <p>
        Alerts that name {isolated(revealed(name))} no longer come here. They are unrouted, unless they name others too,
        and Overview lists them. What was sent stays as it is.
      </p>
    </ConfirmDialog>
  );
}
