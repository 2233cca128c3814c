import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./FilterBar.module.css";

/** The filters of a list, in one line where there is room. `onClear` is there while any is set. */
export function FilterBar({ children, onClear }: { children: ReactNode; onClear?: (() => void) | undefined }) {
  return (
    <search className={classes.bar}>
      {children}
      {onClear && (
        <Button variant="subtle" color="gray" onClick={onClear}>
          Clear filters
        </Button>
      )}
    </search>
  );
}
