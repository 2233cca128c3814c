import { Button, Checkbox, TagsInput } from "@mantine/core";
import { alertTypes, severities } from "../../../api/types";
import { SeverityMark } from "../../../ui/marks/SeverityMark";
import { alertTypeWord } from "../../../words/labels";
import classes from "./DestinationForm.module.css";
import { FieldError } from "./FieldError";
import type { FieldsProps } from "./fields";

/** Which alerts it takes. All three must fit. */
export function FilterFields({ values, onChange, errorOf }: FieldsProps) {
  return (
    <>
      <fieldset className={classes.group} data-field="severities">
        <legend className={classes.legend}>
          Severity Levels
          <AllOrNone
            what="severities"
            all={values.severities.length === severities.length}
            onAll={() => onChange({ severities })}
            onNone={() => onChange({ severities: [] })}
          />
        </legend>
        <p className={classes.hint}>It gets alerts of these severities.</p>
        <div className={classes.choices}>
          {severities.map((s) => (
            <Checkbox
              key={s}
              label={<SeverityMark severity={s} />}
              checked={values.severities.includes(s)}
              onChange={() => onChange({ severities: toggled(severities, values.severities, s) })}
            />
          ))}
        </div>
        {values.severities.length === 0 && (
          <p className={classes.note}>
            No severity: it gets only the alerts that name it in their “destinations”, and those a person sends.
          </p>
        )}
        <FieldError message={errorOf("severities")} />
      </fieldset>
      <fieldset className={classes.group} data-field="alertTypes">
        <legend className={classes.legend}>
          Default Alert Types
          <AllOrNone
            what="alert types"
            all={values.alertTypes.length === alertTypes.length}
            onAll={() => onChange({ alertTypes })}
            onNone={() => onChange({ alertTypes: [] })}
          />
        </legend>
        <p className={classes.hint}>It gets alerts of these types.</p>
        <div className={classes.types}>
          {alertTypes.map((t) => (
            <Checkbox
              key={t}
              label={alertTypeWord[t]}
              checked={values.alertTypes.includes(t)}
              onChange={() => onChange({ alertTypes: toggled(alertTypes, values.alertTypes, t) })}
            />
          ))}
        </div>
        <FieldError message={errorOf("alertTypes")} />
      </fieldset>
      <TagsInput
        size="xs"
        label="Log Types"
        description="It gets alerts of these log types, exactly as the alert has them, and alerts without any. Empty: all."
        placeholder={values.logTypes.length === 0 ? "All log types" : "Add another"}
        data-field="logTypes"
        value={[...values.logTypes]}
        error={errorOf("logTypes")}
        onChange={(logTypes) => onChange({ logTypes })}
        acceptValueOnBlur
        splitChars={[",", "\n"]}
        clearable
        clearButtonProps={{ "aria-label": "Clear the log types" }}
      />
    </>
  );
}

/** Chooses all, or none when all are chosen. */
function AllOrNone({
  what,
  all,
  onAll,
  onNone,
}: {
  what: string;
  all: boolean;
  onAll: () => void;
  onNone: () => void;
}) {
  return (
    <Button size="compact-xs" variant="subtle" onClick={all ? onNone : onAll}>
      {all ? "None" : "All"}
      <span className="sr-only"> of the {what}</span>
    </Button>
  );
}

function toggled<T>(known: readonly T[], chosen: readonly T[], one: T): T[] {
  return known.filter((k) => (k === one ? !chosen.includes(k) : chosen.includes(k)));
}
