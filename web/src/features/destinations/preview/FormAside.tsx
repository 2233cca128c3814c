import { testDestination, testSettings } from "../../../api/destinations";
import type { Destination, DestinationTypeInfo } from "../../../api/types";
import { Panel } from "../../../ui/page/Panel";
import { type FormValues, testOf } from "../form/form";
import { validate } from "../form/validate";
import classes from "./FormAside.module.css";
import { PreviewPanel } from "./PreviewPanel";
import { TestPanel } from "./TestPanel";

/** What stands beside the form: a test of what is entered, and what a receiver will get. */
export function FormAside({
  type,
  values,
  saved,
}: {
  type: DestinationTypeInfo;
  values: FormValues;
  saved: Destination | undefined;
}) {
  const of = testOf(values, saved, type);
  const wrong = [...validate(values, type, saved, [])].find(([path]) => path.startsWith("settings"))?.[1];
  const mayNot = of.kind === "settings" ? wrong : undefined;
  return (
    <div className={classes.aside}>
      <Panel title="Test">
        <p className={classes.text}>
          {of.kind === "saved"
            ? "Sends one test alert to the destination as it is saved."
            : saved
              ? "Sends one test alert with the settings as entered, signed as its alerts are. Nothing is saved."
              : "Sends one test alert with the settings as entered. It is signed with a secret made for this test. Nothing is saved."}
        </p>
        <TestPanel
          of={JSON.stringify(of)}
          mayNot={mayNot}
          send={(input) =>
            of.kind === "saved" ? testDestination(of.id, input) : testSettings({ ...of.input, ...input })
          }
        />
      </Panel>
      <Panel title="What the receiver gets">
        <PreviewPanel type={type} values={values} />
      </Panel>
    </div>
  );
}
