import { lazy } from "react";
import { ChartFrame } from "./ChartFrame";
import { stretch, type VolumePoint, volumeSummary } from "./points";

const VolumeBars = lazy(() => import("./VolumeBars").then((m) => ({ default: m.VolumeBars })));

const hour = 3_600_000;

/** How many attempts were acknowledged and how many failed, over time, as stacked bars. */
export function VolumeChart({
  title = "Attempts",
  points,
  stepMs = hour,
  height = 160,
}: {
  title?: string;
  /** Oldest first, one for each bar, none left out. */
  points: readonly VolumePoint[];
  /** How long a point lasts. */
  stepMs?: number;
  /** Of the picture, in pixels. */
  height?: number;
}) {
  return (
    <ChartFrame
      title={title}
      summary={volumeSummary(points)}
      columns={["Time", "Acknowledged", "Failed"]}
      rows={points.map((p) => [stretch(p.since, stepMs), p.acked.toLocaleString(), p.failed.toLocaleString()])}
      height={height}
    >
      <VolumeBars points={points} stepMs={stepMs} height={height} />
    </ChartFrame>
  );
}
