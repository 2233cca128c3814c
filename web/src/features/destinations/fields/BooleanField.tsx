import { Switch } from "@mantine/core";
import type { FieldProps } from "./props";
import type { SettingValue } from "./settings";

/** On or off. */
export function BooleanField({
  field,
  path,
  value,
  onChange,
  errorOf,
}: FieldProps<Extract<SettingValue, { as: "truth" }>>) {
  return (
    <Switch
      size="xs"
      label={field.label}
      description={field.help || undefined}
      data-field={path}
      checked={value.on}
      error={errorOf(path)}
      onChange={(e) => onChange({ as: "truth", on: e.currentTarget.checked })}
    />
  );
}
