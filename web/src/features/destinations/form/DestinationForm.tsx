import { Button, Group, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { asProblem } from "../../../api/problem";
import type { Destination, DestinationTypeInfo, SettingsField } from "../../../api/types";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { SettingsFields } from "../fields/SettingsFields";
import { askedFields, type SettingsValues, settingPath } from "../fields/settings";
import classes from "./DestinationForm.module.css";
import { FilterFields } from "./FilterFields";
import type { FormValues } from "./form";
import { LimitsFields } from "./LimitsFields";
import { NameNote } from "./NameNote";
import { validate } from "./validate";

/**
 * The fields of a destination. Errors are shown when someone tries to save, and from then on as they type; the server's
 * stand beside their field until it is changed.
 */
export function DestinationForm({
  type,
  values,
  onChange,
  saved,
  others,
  problem,
  pending,
  submit,
  onSubmit,
  onCancel,
  aside,
}: {
  type: DestinationTypeInfo;
  values: FormValues;
  onChange: (change: Partial<FormValues>) => void;
  /** The destination that is edited. */
  saved?: Destination | undefined;
  /** All other destinations: their names are taken. */
  others: readonly Destination[];
  /** What the server said of the last try to save. */
  problem: unknown;
  pending: boolean;
  /** What the button says that saves. */
  submit: string;
  onSubmit: () => void;
  onCancel: () => void;
  /** More at the foot of the fields. */
  aside?: ReactNode;
}) {
  const form = useRef<HTMLFormElement>(null);
  const [tries, setTries] = useState(0);
  const errors = validate(values, type, saved, others);
  const asked = askedFields(type.fields, values.settings);
  const told = problem === null || problem === undefined ? undefined : asProblem(problem);
  const errorOf = (path: string) => {
    const local = tries > 0 ? errors.get(path) : undefined;
    return local ?? serverError(told, path);
  };
  const beside =
    told?.code === "name_taken" ||
    (told && told.fieldErrors.length > 0 && told.fieldErrors.every((e) => saysItself(e.field, asked)));

  // What a destination must have comes before its filters, the rest behind them.
  const first = asked.filter((f) => f.section === undefined && comesFirst(f, asked));
  const settings = {
    values: values.settings,
    onChange: (next: SettingsValues) => onChange({ settings: next }),
    errorOf,
    saved,
  };

  // Whoever tries to save goes to the first field that is wrong, by our rules or the server's.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a try to save moves the focus
  useEffect(() => {
    const all = [...(form.current?.querySelectorAll<HTMLElement>("[data-field]") ?? [])];
    const wrong = all.find((field) => errorOf(field.dataset.field ?? "") !== undefined);
    (wrong?.querySelector<HTMLElement>("input, textarea, button") ?? wrong)?.focus();
  }, [tries, told?.requestId]);

  return (
    <form
      ref={form}
      className={classes.form}
      noValidate
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        setTries((n) => n + 1);
        if (errors.size === 0 && !pending) {
          onSubmit();
        }
      }}
    >
      <div>
        <TextInput
          label="Display Name"
          description="What it is called here. Alerts can name it in their “destinations”."
          required
          maxLength={200}
          data-field="displayName"
          value={values.displayName}
          error={errorOf("displayName")}
          onChange={(e) => onChange({ displayName: e.currentTarget.value })}
        />
        <NameNote name={values.displayName} saved={saved} others={others} />
      </div>
      <SettingsFields {...settings} fields={first} />
      <FilterFields values={values} onChange={onChange} errorOf={errorOf} />
      <SettingsFields {...settings} fields={asked.filter((f) => !first.includes(f))} />
      <LimitsFields values={values} onChange={onChange} errorOf={errorOf} />
      {aside}
      {told && !beside && <ProblemAlert title="It could not be saved" error={told} />}
      {tries > 0 && errors.size > 0 && (
        <p className={classes.wrong} role="alert">
          {errors.size === 1 ? "One field is" : `${errors.size} fields are`} not right yet.
        </p>
      )}
      <Group gap="xs" className={classes.actions}>
        <Button type="submit" loading={pending}>
          {submit}
        </Button>
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
      </Group>
    </form>
  );
}

/** The server says "must start with https://", and that another destination has the name without naming the field. */
function serverError(told: ReturnType<typeof asProblem> | undefined, path: string): string | undefined {
  if (path === "displayName" && told?.code === "name_taken") {
    return "Another destination has this name.";
  }
  const message = told?.field(path);
  return message && `${message[0]?.toUpperCase()}${message.slice(1)}.`;
}

/** Whether a field must be entered, or hangs on one that must. */
function comesFirst(f: SettingsField, fields: readonly SettingsField[]): boolean {
  const other = fields.find((o) => o.name === f.onlyIf?.field);
  return f.onlyIf === undefined ? f.required : other !== undefined && comesFirst(other, fields);
}

/** Whether the field of a path shows its error itself. Those of the rest are listed. */
function saysItself(path: string, asked: readonly SettingsField[]): boolean {
  const ofSetting = asked.some(
    (f) => path === settingPath(f) || (f.kind === "headers" && path.startsWith(`${settingPath(f)}[`)),
  );
  return (
    ofSetting ||
    /^(displayName|severities|alertTypes|logTypes|responseStorage|limits\.(maxInFlight|ratePerSecond|burst))$/.test(
      path,
    )
  );
}
