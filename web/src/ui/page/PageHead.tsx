import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { isolated } from "../../words/bidi";
import classes from "./PageHead.module.css";

/** The title of a page, also the window's, and what can be done with all of it. */
export function PageHead({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <header className={classes.head}>
      <title>{`${isolated(title)} · Belfry`}</title>
      <Title order={1}>{isolated(title)}</Title>
      {children !== undefined && <div className={classes.actions}>{children}</div>}
    </header>
  );
}
