import { lazy } from "react";
import { duration } from "../../time/words";
import { ChartFrame } from "./ChartFrame";
import { type DurationPoint, stretch } from "./points";

const DurationLines = lazy(() => import("./DurationLines").then((m) => ({ default: m.DurationLines })));

const hour = 3_600_000;

/** How long attempts took over time: the middle (p50) and the slow end (p95), as lines. Gaps are times without any. */
export function DurationChart({
  title = "Duration",
  summary = "How long an attempt takes: half of them (p50), and 95 % of them (p95), no longer than this.",
  points,
  stepMs = hour,
  height = 160,
}: {
  title?: string;
  /** A sentence beside the title. */
  summary?: string;
  /** Oldest first, one for each stretch of time, none left out. */
  points: readonly DurationPoint[];
  /** How long a point lasts. */
  stepMs?: number;
  /** Of the picture, in pixels. */
  height?: number;
}) {
  const words = (ms: number | null) => (ms === null ? "none" : duration(ms));
  return (
    <ChartFrame
      title={title}
      summary={summary}
      columns={["Time", "p50", "p95"]}
      rows={points.map((p) => [stretch(p.since, stepMs), words(p.p50Ms), words(p.p95Ms)])}
      height={height}
    >
      <DurationLines points={points} stepMs={stepMs} height={height} />
    </ChartFrame>
  );
}
