import { IconPlug } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { DestinationTypeInfo } from "../../../api/types";
import classes from "./types.module.css";

/** The type of the destination of a form. */
export function TypeChosen({ type, children }: { type: DestinationTypeInfo; children?: ReactNode }) {
  return (
    <div className={classes.chosen}>
      <IconPlug size={18} aria-hidden />
      <div>
        <span className="dim">Type</span> <strong>{type.name}</strong>
        <div className={classes.text}>{type.description}</div>
      </div>
      {children}
    </div>
  );
}
