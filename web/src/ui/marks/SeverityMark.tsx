import type { Severity } from "../../api/types";
import { severityWord } from "../../words/labels";
import classes from "./SeverityMark.module.css";

const levels: Record<Severity, number> = { INFO: 0, LOW: 1, MEDIUM: 2, HIGH: 3, CRITICAL: 4 };

/** A severity, as a word beside bars that grow with it. Colour is left to what is still to be done. */
export function SeverityMark({ severity }: { severity: Severity }) {
  const level = levels[severity];
  return (
    <span className={classes.mark} data-severity={severity}>
      <svg width="13" height="12" viewBox="0 0 13 12" aria-hidden="true" className={classes.bars}>
        {[1, 2, 3, 4].map((n) => (
          <rect
            key={n}
            x={(n - 1) * 3.5}
            y={11 - n * 2.5}
            width="2.5"
            height={n * 2.5 + 1}
            rx="0.5"
            opacity={n <= level ? 1 : 0.25}
          />
        ))}
      </svg>
      {severityWord[severity]}
    </span>
  );
}
