import {
  IconAlertTriangle,
  IconCircleCheck,
  IconClock,
  IconHourglass,
  IconPlayerPause,
  IconPlugConnectedX,
  IconTool,
} from "@tabler/icons-react";
import classes from "./HealthChip.module.css";
import { type HealthStatus, healthStatusWord } from "./health";

const icons: Record<HealthStatus, typeof IconClock> = {
  misconfigured: IconTool,
  not_answering: IconPlugConnectedX,
  keeps_failing: IconAlertTriangle,
  failing: IconAlertTriangle,
  slowed: IconHourglass,
  paused: IconPlayerPause,
  unknown: IconClock,
  answering: IconCircleCheck,
};

const sentences: Record<HealthStatus, string> = {
  misconfigured: "Its settings cannot be opened or used. Enter them again.",
  not_answering: "It keeps failing, so its deliveries wait. One at a time probes it.",
  keeps_failing: "Ten attempts or more in a row came back without an acknowledgement.",
  failing: "Its last attempts failed. Nothing is held for that yet.",
  slowed: "It answered 429 or 503 and asked for time.",
  paused: "Someone paused it. Alerts are routed to it as ever, and wait.",
  unknown: "No attempt was made yet.",
  answering: "It answers, as far as is known.",
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
