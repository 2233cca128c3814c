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
import { reasonSentence } from "../../words/reasons";
import { type DeliveryState, statusText } from "../../words/status";
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
 * The state of a delivery: icon, word and colour, never colour alone. A retry counts down. `detail` follows the word,
 * such as the HTTP code.
 */
export function StatusChip({ delivery, detail }: { delivery: DeliveryState; detail?: string | undefined }) {
  const Icon = icons[delivery.status];
  return (
    <span className={classes.chip} data-status={delivery.status} title={explain(delivery)}>
      <Icon size={13} stroke={2} aria-hidden className={classes.icon} />
      <span>{delivery.status === "retrying" ? <Counting delivery={delivery} /> : statusText(delivery, now())}</span>
      {detail !== undefined && <span className={classes.detail}>{detail}</span>}
    </span>
  );
}

function Counting({ delivery }: { delivery: DeliveryState }) {
  return statusText(delivery, useNow());
}

function explain(delivery: DeliveryState): string | undefined {
  if (delivery.reason !== null) {
    return reasonSentence(delivery.reason);
  }
  return delivery.status === "retrying" && delivery.dueAt !== null
    ? `Due ${exactly(new Date(delivery.dueAt))}`
    : undefined;
}
