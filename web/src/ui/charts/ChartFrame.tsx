import { Skeleton } from "@mantine/core";
import { type ReactNode, Suspense } from "react";
import classes from "./charts.module.css";

/**
 * What is around every chart: its title and a sentence, and its numbers as a table that opens. The chart itself is
 * fetched when it is first shown, and is a picture only: all it says is in the text.
 */
export function ChartFrame({
  title,
  summary,
  columns,
  rows,
  height,
  children,
}: {
  title: string;
  summary: string;
  columns: readonly string[];
  /** The numbers, row by row; the first of each names the row. */
  rows: readonly (readonly string[])[];
  height: number;
  children: ReactNode;
}) {
  return (
    <figure className={classes.figure}>
      <figcaption className={classes.caption}>
        <span className={classes.title}>{title}</span> <span className="dim">{summary}</span>
      </figcaption>
      <div style={{ height }} aria-hidden>
        <Suspense fallback={<Skeleton height={height} radius={3} />}>{children}</Suspense>
      </div>
      <details className={classes.details}>
        <summary>As a table</summary>
        {/* What scrolls must be in reach of the keyboard. */}
        {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: see above */}
        <section className={classes.scroll} tabIndex={0} aria-label={`${title}, as a table`}>
          <table className={classes.table}>
            <thead>
              <tr>
                {columns.map((c) => (
                  <th key={c} scope="col">
                    {c}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(([name, ...cells]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {cells.map((cell, n) => (
                    <td key={columns[n + 1]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: see above */}
      </details>
    </figure>
  );
}
