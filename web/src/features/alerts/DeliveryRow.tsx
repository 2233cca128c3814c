import { IconChevronRight } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Delivery } from "../../api/types";
import { Duration } from "../../time/Duration";
import { StatusChip } from "../../ui/marks/StatusChip";
import { isolated } from "../../words/bidi";
import { destinationName } from "../../words/labels";
import { outcomeWord } from "../../words/status";
import { SendButton } from "../deliveries/actions/SendButton";
import { DeliveryHistory } from "../deliveries/history/DeliveryHistory";
import classes from "./DeliveryStatusPanel.module.css";

/** One destination's delivery of the alert. It opens to all that happened to it. */
export function DeliveryRow({
  delivery,
  opened,
  attempt,
  onToggle,
  onAttempt,
}: {
  delivery: Delivery;
  opened: boolean;
  attempt: string | undefined;
  onToggle: () => void;
  onAttempt: (attempt: string) => void;
}) {
  const { id, destination, why, attempts, maxAttempts, lastAttempt, run } = delivery;
  const panel = `history-${id}`;
  return (
    <div className={classes.item} data-opened={opened || undefined}>
      <div className={classes.row} data-row>
        <span className={classes.toggle}>
          <button
            type="button"
            aria-expanded={opened}
            aria-controls={opened ? panel : undefined}
            aria-label={`Attempts to ${isolated(destination.displayName)}`}
            data-close={opened || undefined}
            onClick={onToggle}
          >
            <IconChevronRight size={15} className={classes.chevron} aria-hidden />
          </button>
        </span>
        <div>
          <div className={classes.name}>
            {destination.deleted ? (
              destinationName(destination)
            ) : (
              <Link to="/destinations/$destinationId" params={{ destinationId: destination.id }}>
                {destinationName(destination)}
              </Link>
            )}
          </div>
          <div className={classes.why}>{why}</div>
        </div>
        <div>
          <StatusChip delivery={delivery} detail={chipDetail(delivery)} />
        </div>
        <div title={`${attempts} of ${maxAttempts} tries of run ${run} used`}>
          {attempts} / {maxAttempts}
          {run > 1 && <div className={classes.why}>run {run}</div>}
        </div>
        <div>
          {lastAttempt ? (
            <>
              <span className="dim">last</span> {outcomeWord(lastAttempt.class, lastAttempt.statusCode)},{" "}
              <Duration ms={lastAttempt.durationMs} />
            </>
          ) : (
            <span className="dim">{delivery.finishedAt === null ? "not tried yet" : "never tried"}</span>
          )}
        </div>
        <div className={classes.action}>
          <SendButton delivery={delivery} shortcut="r" />
        </div>
        {!opened && lastAttempt && lastAttempt.class !== "acked" && (
          <div className={classes.body}>{isolated(lastAttempt.error ?? firstLine(lastAttempt.responseBody))}</div>
        )}
      </div>
      {opened && (
        <div id={panel}>
          <DeliveryHistory id={id} attempt={attempt} onAttempt={onAttempt} />
        </div>
      )}
    </div>
  );
}

/** What the last try got. A new run has had none yet, and the code of the one before is no news of it. */
function chipDetail({ status, lastAttempt }: Delivery): string | undefined {
  return lastAttempt && status !== "queued" ? outcomeWord(lastAttempt.class, lastAttempt.statusCode) : undefined;
}

function firstLine(body: string | null): string {
  return (body ?? "").slice(0, 300).replaceAll(/\s+/g, " ");
}
