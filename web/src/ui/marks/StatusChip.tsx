import {
  IconAlertTriangle,
  IconBan,
  IconCircleCheck,
  IconClock,
  IconPlayerPause,
  IconRefresh,
} from "@tabler/icons-react";
import type { DeliveryStatus } from "../../api/types";
import { now } from "../../time/clock";
import { useNow } from "../../time/useNow";
import { exactly } from "../../time/words";
import { reasonSentence, type Standing, statusText } from "../../words/status";
import classes from "./StatusChip.module.css";

const icons: Record<DeliveryStatus, typeof IconClock> = {
  queued: IconClock,
  retrying: IconRefresh,
  held: IconPlayerPause,
  delivered: IconCircleCheck,
  failed: IconAlertTriangle,
  cancelled: IconBan,
};

/**
 * How a delivery stands: icon, word and colour, never colour alone. A retry counts down. `detail` follows the word,
 * such as the HTTP code.
 */
export function StatusChip({ of, detail }: { of: Standing; detail?: string | undefined }) {
  const Icon = icons[of.status];
  return (
    <span className={classes.chip} data-status={of.status} title={explain(of)}>
      <Icon size={13} stroke={2} aria-hidden className={classes.icon} />
      <span>{of.status === "retrying" ? <Counting of={of} /> : statusText(of, now())}</span>
      {detail !== undefined && <span className={classes.detail}>{detail}</span>}
    </span>
  );
}

function Counting({ of }: { of: Standing }) {
  return statusText(of, useNow());
}

function explain(of: Standing): string | undefined {
  if (of.reason !== null) {
    return reasonSentence[of.reason];
  }
  return of.status === "retrying" && of.dueAt !== null ? `Due ${exactly(new Date(of.dueAt))}` : undefined;
}
