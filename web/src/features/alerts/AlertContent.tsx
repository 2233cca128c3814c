import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import type { AlertWithText } from "../../api/alerts";
import type { Alert } from "../../api/types";
import { Time } from "../../time/Time";
import { CodeBlock } from "../../ui/code/CodeBlock";
import { CopyId } from "../../ui/code/CopyId";
import { Panel } from "../../ui/page/Panel";
import { isolated } from "../../words/bidi";
import classes from "./AlertContent.module.css";

/** The alert as it was accepted, to read and as JSON. */
export function AlertContent({ details }: { details: AlertWithText }) {
  return (
    <Panel title="Alert">
      {details.alteredFields.length > 0 && (
        <p className={classes.altered}>
          Characters that cannot be stored were replaced by � when the alert was accepted, in{" "}
          {places(details.alteredFields)}.
        </p>
      )}
      <Tabs defaultValue="fields" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="fields">Fields</Tabs.Tab>
          <Tabs.Tab value="json">JSON</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="fields" pt="sm">
          <Fields alert={details.alert} contextText={details.contextText} />
        </Tabs.Panel>
        <Tabs.Panel value="json" pt="sm">
          <CodeBlock body={{ text: details.alertText }} what="alert" maxHeight={640} />
        </Tabs.Panel>
      </Tabs>
    </Panel>
  );
}

const placesShown = 5;

/** "title, alertContext.cmdline and 3 more places" */
function places(all: string[]): string {
  const shown = all.slice(0, placesShown).map(isolated).join(", ");
  const rest = all.length - placesShown;
  return rest > 0 ? `${shown} and ${rest} more ${rest === 1 ? "place" : "places"}` : shown;
}

function Fields({ alert, contextText }: { alert: Alert; contextText: string | null }) {
  return (
    <dl className={classes.fields}>
      <Field name="Detection">
        <CopyId id={alert.id} what="detection ID" />
        {alert.name !== "" && alert.name !== alert.id && <div>{isolated(alert.name)}</div>}
      </Field>
      <Field name="Description">{alert.description !== "" && <Text>{alert.description}</Text>}</Field>
      <Field name="Runbook">{alert.runbook !== "" && <Text>{alert.runbook}</Text>}</Field>
      <Field name="Tags">{alert.tags.length > 0 && alert.tags.map(isolated).join(", ")}</Field>
      <Field name="Created">
        <Time at={alert.createdAt} />
      </Field>
      <Field name="Version">{alert.version !== "" && <CopyId id={alert.version} what="version" />}</Field>
      <Field name="Destinations named">
        {alert.destinations !== null && (alert.destinations.map(isolated).join(", ") || "none (an empty list)")}
      </Field>
      <Field name="Context">
        {contextText !== null && <CodeBlock body={{ text: contextText }} what="alert context" />}
      </Field>
    </dl>
  );
}

/** A field, unless it has nothing to say. */
function Field({ name, children }: { name: string; children: ReactNode }) {
  if (children === false) {
    return null;
  }
  return (
    <div className={classes.field}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Text({ children }: { children: string }) {
  return <div className={classes.text}>{children}</div>;
}
