import {
  IconAlertTriangle,
  IconCircleCheck,
  IconClock,
  IconHandStop,
  IconHourglass,
  IconPlayerPause,
  IconPlugConnectedX,
  IconTool,
} from "@tabler/icons-react";
import classes from "./HealthChip.module.css";
import { type HealthStatus, healthStatusWord } from "./health";

const icons: Record<HealthStatus, typeof IconClock> = {
  misconfigured: IconTool,
  held: IconHandStop,
  keeps_failing: IconAlertTriangle,
  unreachable: IconPlugConnectedX,
  failing: IconAlertTriangle,
  slowed: IconHourglass,
  paused: IconPlayerPause,
  untried: IconClock,
  healthy: IconCircleCheck,
};

const sentences: Record<HealthStatus, string> = {
  misconfigured: "Its settings cannot be opened or used. Enter them again.",
  held: "It keeps failing, so its deliveries wait instead of using up their tries. One at a time probes it.",
  keeps_failing: "Ten attempts or more in a row came back without an acknowledgement.",
  unreachable: "Nothing answered its last attempt.",
  failing: "It answered its last attempt, but not with an acknowledgement.",
  slowed: "It answered 429 or 503, and asked to be sent less.",
  paused: "Someone paused it. Alerts are still routed to it, and wait.",
  untried: "No attempt was made yet.",
  healthy: "It acknowledged its last attempt.",
};

/** One health status of a destination: icon, word and colour, never colour alone. */
export function HealthChip({ status }: { status: HealthStatus }) {
  const Icon = icons[status];
  return (
    <span className={classes.chip} data-health={status} title={sentences[status]}>
      <Icon size={13} stroke={2} aria-hidden />
      {healthStatusWord[status]}
    </span>
  );
}
