import classes from "./charts.module.css";

/** What a chart says of the point under the pointer. */
export function ChartTip({
  title,
  series,
  textOf,
}: {
  title: string;
  series: readonly { name: string; label: string; color: string }[];
  textOf: (name: string) => string;
}) {
  return (
    <div className={classes.tip}>
      <div className={classes.tipTitle}>{title}</div>
      {series.map(({ name, label, color }) => (
        <div key={name} className={classes.tipLine}>
          <span className={classes.swatch} style={{ background: color }} />
          {label}
          <span className={classes.tipValue}>{textOf(name)}</span>
        </div>
      ))}
    </div>
  );
}
