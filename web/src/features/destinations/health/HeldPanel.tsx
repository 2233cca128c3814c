import { Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useMayNot } from "../../../api/session";
import type { Destination, DestinationHealth } from "../../../api/types";
import { ActionButton } from "../../../ui/act/ActionButton";
import { heldReasons, holdWords, reasonWord } from "../../../words/reasons";
import type { DestinationDialog } from "../dialogs/DestinationDialogs";
import classes from "./HeldPanel.module.css";
import { heldFor, heldText, heldTotal } from "./health";

/** What waits for a destination on purpose, by reason, and what can be done with it. */
export function HeldPanel({
  destination,
  held,
  onOpen,
}: {
  destination: Destination;
  held: DestinationHealth["held"];
  onOpen: (dialog: DestinationDialog) => void;
}) {
  const mayNot = useMayNot("operate");
  const total = heldTotal(held);
  const paused = destination.state === "paused";
  if (total.n === 0) {
    return <p className={classes.none}>Nothing is held.</p>;
  }
  return (
    <>
      <ul className={classes.list}>
        {heldReasons
          .filter((r) => heldFor(held, r) > 0)
          .map((r) => (
            <li key={r} className={classes.item}>
              <Link
                to="/deliveries"
                search={{ destination: [destination.id], status: ["held"], reason: [r] }}
                className={classes.count}
              >
                {heldText(held, r)}
              </Link>
              <div>
                <div>{capitalised(reasonWord(r))}</div>
                <div className={classes.why}>{holdWords(r)?.ends}</div>
              </div>
            </li>
          ))}
      </ul>
      {paused ? (
        <Group gap="xs">
          <ActionButton mayNot={mayNot} onClick={() => onOpen("resume")}>
            Release
          </ActionButton>
          <ActionButton mayNot={mayNot} c="var(--bad)" onClick={() => onOpen("discard")}>
            Discard…
          </ActionButton>
        </Group>
      ) : (
        <p className={classes.why}>To discard what waits, pause the destination first.</p>
      )}
    </>
  );
}

function capitalised(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
