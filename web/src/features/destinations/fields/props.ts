import type { SettingsField } from "../../../api/types";
import type { SettingValue } from "./settings";

export type TextValue = Extract<SettingValue, { as: "text" }>;

/** What the component for a kind of field gets. */
export type FieldProps<Value extends SettingValue> = {
  field: SettingsField;
  /** Where it is in a request: errors name it so. */
  path: string;
  value: Value;
  onChange: (value: Value) => void;
  /** What is wrong with what is at this path, once it may be said. */
  errorOf: (path: string) => string | undefined;
  /** Whether a secret is stored that can be kept. */
  stored: boolean;
  /** What is shown of the stored value. */
  shown: unknown;
};

/** What is said of a field below its name: what its type says, and of a secret what becomes of it. */
export function helpOf({ help, secret }: SettingsField): string | undefined {
  return (
    [help, secret ? "Stored sealed and not shown again." : ""].filter((part) => part !== "").join(" ") || undefined
  );
}

/** What the inputs of all kinds of text have in common. */
export function inputProps({ field, path, value, errorOf }: FieldProps<TextValue>) {
  return {
    label: field.label,
    description: helpOf(field),
    required: field.required,
    placeholder: field.placeholder,
    autoComplete: "off",
    spellCheck: false,
    "data-field": path,
    value: value.text,
    error: errorOf(path),
  };
}
