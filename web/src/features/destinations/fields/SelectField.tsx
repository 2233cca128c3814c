import { Select } from "@mantine/core";
import { type FieldProps, inputProps, type TextValue } from "./props";

/** One of some choices. */
export function SelectField(props: FieldProps<TextValue>) {
  const { value, ...input } = inputProps(props);
  return (
    <Select
      {...input}
      size="xs"
      data={props.field.options ?? []}
      value={value || null}
      allowDeselect={false}
      clearable={!props.field.required && props.field.default === undefined}
      clearButtonProps={{ "aria-label": `Clear ${props.field.label}` }}
      onChange={(text) => props.onChange({ ...props.value, text: text ?? "" })}
    />
  );
}
