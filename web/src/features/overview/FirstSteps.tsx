import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { CodeBlock } from "../../ui/code/CodeBlock";
import { Panel } from "../../ui/page/Panel";
import { postAlertCommand } from "../../words/postAlert";
import classes from "./FirstSteps.module.css";

/** What to do when there is no destination yet, in order. */
export function FirstSteps() {
  return (
    <div className={classes.page}>
      <Panel title="First steps">
        <ol className={classes.steps}>
          <Step title="Create a destination">
            <p>A destination is a service that alerts go to, with the severities, types and log types that it takes.</p>
            <Button renderRoot={(props) => <Link {...props} to="/destinations/new" />}>Create a destination</Button>
          </Step>
          <Step title="Make a token for the producer that posts alerts">
            <p>
              It needs the scope <span className="mono">ingest</span> only, and is shown once.
            </p>
            <Button variant="default" renderRoot={(props) => <Link {...props} to="/settings" search={{}} />}>
              API tokens
            </Button>
          </Step>
          <Step title="Post an alert">
            <p>
              With the token in <span className="mono">$TOKEN</span>. The answer says where it goes and why; then look
              for it under <Link to="/alerts">Alerts</Link>.
            </p>
            <CodeBlock body={{ text: postAlertCommand(window.location.origin) }} what="command" plain />
          </Step>
        </ol>
      </Panel>
    </div>
  );
}

function Step({ title, children }: { title: string; children: ReactNode }) {
  return (
    <li className={classes.step}>
      <h3>{title}</h3>
      {children}
    </li>
  );
}
