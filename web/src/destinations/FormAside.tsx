import { testDestination, testSettings } from "../api/destinations";
import type { Destination } from "../api/types";
import { Panel } from "../parts/Panel";
import classes from "./FormAside.module.css";
import { type FormValues, testOf } from "./form";
import { PreviewPanel } from "./PreviewPanel";
import { TestPanel } from "./TestPanel";
import { validate } from "./validate";

/** What stands beside the form: a test of what is entered, and what a receiver will get. */
export function FormAside({ values, saved }: { values: FormValues; saved: Destination | undefined }) {
  const of = testOf(values, saved);
  const wrong = [...validate(values, saved, []).keys()].some((path) => path.startsWith("settings"));
  const mayNot =
    of.kind === "not_yet"
      ? of.why
      : of.kind === "settings" && wrong
        ? "Enter a URL and headers that can be used first."
        : undefined;
  return (
    <div className={classes.aside}>
      <Panel title="Test">
        <p className={classes.text}>
          {of.kind === "saved"
            ? "Sends one test alert to the destination as it is saved."
            : saved
              ? "Sends one test alert with the URL and headers as entered, and saves nothing."
              : "Sends one test alert with the URL and headers as entered, and saves nothing. It is signed with a secret made for the test alone."}
        </p>
        <TestPanel
          of={JSON.stringify(of)}
          mayNot={mayNot}
          send={(input) => {
            switch (of.kind) {
              case "saved":
                return testDestination(of.id, input);
              case "settings":
                return testSettings({ ...of.input, ...input });
              case "not_yet":
                throw new Error(of.why); // the button is disabled then
            }
          }}
        />
      </Panel>
      <Panel title="What the receiver gets">
        <PreviewPanel values={values} />
      </Panel>
    </div>
  );
}
