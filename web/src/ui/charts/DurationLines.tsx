import { LineChart } from "@mantine/charts";
import "@mantine/charts/styles.layer.css";
import { duration } from "../../time/words";
import { ChartTip } from "./ChartTip";
import classes from "./charts.module.css";
import { axisDuration, type DurationPoint, stretch, tick } from "./points";

const series = [
  { name: "p95Ms", label: "p95", color: "var(--warn)", strokeDasharray: "4 3" },
  { name: "p50Ms", label: "p50", color: "var(--accent)" },
];

/** The lines of DurationChart, in a chunk of their own. */
export function DurationLines({
  points,
  stepMs,
  height,
}: {
  points: readonly DurationPoint[];
  stepMs: number;
  height: number;
}) {
  return (
    <LineChart
      className={classes.chart}
      h={height}
      data={[...points]}
      dataKey="since"
      series={series}
      curveType="linear"
      connectNulls={false}
      strokeWidth={2}
      withLegend
      legendProps={{ verticalAlign: "top", height: 24 }}
      tickLine="none"
      // An hour alone between two without attempts has no line: its dot shows it.
      dotProps={{ r: 2 }}
      activeDotProps={{ r: 4 }}
      lineProps={{ isAnimationActive: false }}
      lineChartProps={{ accessibilityLayer: false }}
      xAxisProps={{ tickFormatter: tick, minTickGap: 28 }}
      yAxisProps={{ width: 56, tickFormatter: axisDuration }}
      tooltipAnimationDuration={0}
      tooltipProps={{
        // It is drawn, unseen, also while nothing is pointed at.
        content: ({ label, payload }) => (
          <ChartTip
            title={typeof label === "string" ? stretch(label, stepMs) : ""}
            series={series}
            textOf={(name) => {
              const value: unknown = payload.find((p) => p.dataKey === name)?.value;
              return typeof value === "number" ? duration(value) : "none";
            }}
          />
        ),
      }}
    />
  );
}
