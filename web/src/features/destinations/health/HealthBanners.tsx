import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import type { Destination, DestinationHealth } from "../../../api/types";
import { Time } from "../../../time/Time";
import { outcomeWord } from "../../../words/status";
import type { DestinationDialog } from "../dialogs/DestinationDialogs";
import classes from "./HealthBanners.module.css";
import { countText, heldText, heldTotal } from "./health";

const unhealthyTitle = {
  failing: "This destination is failing",
  unreachable: "This destination is unreachable",
};

const unhealthySentence = {
  failing: "It answered the last attempt, but not with an acknowledgement.",
  unreachable: "Nothing answered the last attempt.",
};

/** What asks for someone about a destination, with what is known and what can be done. */
export function HealthBanners({
  destination,
  health,
  onOpen,
}: {
  destination: Destination;
  health: DestinationHealth | undefined;
  onOpen: (dialog: DestinationDialog) => void;
}) {
  const held = health && heldTotal(health.held);
  return (
    <>
      {!destination.usable && (
        <Banner tone="bad" title="This destination cannot be used">
          {destination.unusableMessage} Until then its deliveries wait.
        </Banner>
      )}
      {health && health.state !== "healthy" && health.heldSince !== null && (
        <Banner tone="bad" title={unhealthyTitle[health.state]}>
          {unhealthySentence[health.state]} Its deliveries have been held since <Time at={health.heldSince} /> (
          <Time at={health.heldSince} ago />) and spend no attempt: {heldText(health.held, "failing")} now.
          {health.nextProbeAt !== null && destination.state === "active" && (
            <>
              {" "}
              The next probe is due <Time at={health.nextProbeAt} ago />; an acknowledgement releases all.
            </>
          )}
          {destination.state === "paused" && " It is paused as well, so it is not probed until it is resumed."}
          <LastFailure health={health} />
        </Banner>
      )}
      {health && health.state !== "healthy" && health.heldSince === null && health.failingSince !== null && (
        <Banner tone="warn" title={unhealthyTitle[health.state]}>
          {unhealthySentence[health.state]} {health.consecutiveFailures.toLocaleString()}{" "}
          {health.consecutiveFailures === 1 ? "attempt" : "attempts in a row"} got no acknowledgement, since{" "}
          <Time at={health.failingSince} />.
          {destination.limits.holdFailing
            ? " When that goes on, its deliveries are held instead of using up their tries."
            : " Its deliveries go on by themselves until their tries are used up."}
          <LastFailure health={health} />
        </Banner>
      )}
      {health && health.slowUntil !== null && (
        <Banner tone="warn" title="It asked for fewer requests">
          It answered 429 or 503: no attempt starts before <Time at={health.slowUntil} />. A rate limit avoids this.
        </Banner>
      )}
      {destination.state === "paused" && (
        <Banner tone="hold" title="This destination is paused">
          Alerts are still routed to it, and wait
          {held && held.n > 0 ? `: ${countText(held.n, held.more)} are held` : ""}.
          <Button variant="default" size="compact-xs" ml={8} onClick={() => onOpen("resume")}>
            Resume…
          </Button>
        </Banner>
      )}
    </>
  );
}

function LastFailure({ health }: { health: DestinationHealth }) {
  const { lastFailure } = health;
  if (lastFailure === null) {
    return null;
  }
  return (
    <div className={classes.last}>
      Last failure <Time at={lastFailure.at} />: {outcomeWord(lastFailure.class, lastFailure.statusCode)}
      {lastFailure.error !== null && <span className="mono"> {lastFailure.error}</span>}
      {health.lastAckAt !== null ? (
        <>
          {" "}
          · last acknowledged <Time at={health.lastAckAt} />
        </>
      ) : (
        " · never acknowledged"
      )}
    </div>
  );
}

function Banner({ tone, title, children }: { tone: "bad" | "warn" | "hold"; title: string; children: ReactNode }) {
  return (
    <section className={classes.banner} data-tone={tone} aria-label={title}>
      <strong className={classes.title}>{title}</strong>
      <div>{children}</div>
    </section>
  );
}
