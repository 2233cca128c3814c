import { IconCheck } from "@tabler/icons-react";
import classes from "./Steps.module.css";

/** The steps of something, and at which one is. */
export function Steps({ steps, at }: { steps: readonly string[]; at: number }) {
  return (
    <ol className={classes.steps} aria-label="Steps">
      {steps.map((name, n) => (
        <li
          key={name}
          className={classes.step}
          data-done={n < at || undefined}
          aria-current={n === at ? "step" : undefined}
        >
          <span className={classes.mark}>{n < at ? <IconCheck size={12} aria-label="done" /> : n + 1}</span>
          {name}
        </li>
      ))}
    </ol>
  );
}
