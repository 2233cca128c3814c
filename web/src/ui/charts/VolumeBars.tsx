import { BarChart } from "@mantine/charts";
import "@mantine/charts/styles.layer.css";
import { ChartTip } from "./ChartTip";
import classes from "./charts.module.css";
import { stretch, tick, type VolumePoint } from "./points";

const series = [
  { name: "acked", label: "Acknowledged", color: "var(--chart-acked)" },
  { name: "failed", label: "Failed", color: "var(--bad)" },
];

/** The bars of VolumeChart, in a chunk of their own. */
export function VolumeBars({
  points,
  stepMs,
  height,
}: {
  points: readonly VolumePoint[];
  stepMs: number;
  height: number;
}) {
  return (
    <BarChart
      className={classes.chart}
      h={height}
      data={[...points]}
      dataKey="since"
      type="stacked"
      series={series}
      withLegend
      legendProps={{ verticalAlign: "top", height: 24 }}
      maxBarWidth={28}
      tickLine="none"
      // A few that failed among thousands must not be too thin to see.
      barProps={(s) => ({
        isAnimationActive: false,
        minPointSize: (_, index) => (s.name === "failed" && points[index]?.failed ? 3 : 0),
      })}
      barChartProps={{ accessibilityLayer: false, barCategoryGap: "18%" }}
      xAxisProps={{ tickFormatter: tick, minTickGap: 28 }}
      yAxisProps={{ allowDecimals: false, width: 44 }}
      valueFormatter={(n) => n.toLocaleString()}
      tooltipAnimationDuration={0}
      tooltipProps={{
        // It is drawn, unseen, also while nothing is pointed at.
        content: ({ label, payload }) => (
          <ChartTip
            title={typeof label === "string" ? stretch(label, stepMs) : ""}
            series={series}
            textOf={(name) => Number(payload.find((p) => p.dataKey === name)?.value ?? 0).toLocaleString()}
          />
        ),
      }}
    />
  );
}
