import { TextInput } from "@mantine/core";
import { type FieldProps, inputProps, type TextValue } from "./props";

/** A line of text. */
export function TextField(props: FieldProps<TextValue>) {
  return (
    <TextInput
      {...inputProps(props)}
      onChange={(e) => props.onChange({ ...props.value, text: e.currentTarget.value })}
    />
  );
}
