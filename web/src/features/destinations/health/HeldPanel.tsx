import { Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useMayNot } from "../../../api/session";
import type { Destination, DestinationHealth } from "../../../api/types";
import { ActionButton } from "../../../ui/act/ActionButton";
import type { DestinationDialog } from "../dialogs/DestinationDialogs";
import classes from "./HeldPanel.module.css";
import { countText, heldTotal } from "./health";

type Reason = keyof DestinationHealth["held"];

const reasons: Record<Reason, { name: string; why: string }> = {
  paused: { name: "Paused", why: "They go out, or are discarded, when it is resumed." },
  not_answering: { name: "Not answering", why: "One at a time probes it. An acknowledgement releases all." },
  our_side: {
    name: "Our side failed",
    why: "Belfry's own machine ran out of sockets, ports or memory, it stopped, or it lacks the sealing key. Each is tried again within a minute, at no cost.",
  },
  busy: { name: "Busy", why: "It has as much under way as its limits allow. They go out as soon as there is room." },
  misconfigured: { name: "Misconfigured", why: "They go out once its settings are entered again." },
};

// Those first for which someone has to do something.
const order: readonly Reason[] = ["misconfigured", "not_answering", "our_side", "paused", "busy"];

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
        {order
          .filter((r) => held[r] > 0)
          .map((r) => (
            <li key={r} className={classes.item}>
              <Link
                to="/deliveries"
                search={{ destination: [destination.id], status: ["held"], reason: [r] }}
                className={classes.count}
              >
                {countText(held[r], held[r] >= 10_000)}
              </Link>
              <div>
                <div>{reasons[r].name}</div>
                <div className={classes.why}>{reasons[r].why}</div>
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
