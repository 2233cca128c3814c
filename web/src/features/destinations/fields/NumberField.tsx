import { TextInput } from "@mantine/core";
import { type FieldProps, inputProps, type TextValue } from "./props";

/** A number. It is text while it is typed: nothing that was typed becomes another number by itself. */
export function NumberField(props: FieldProps<TextValue>) {
  return (
    <TextInput
      {...inputProps(props)}
      inputMode={props.field.whole === true ? "numeric" : "decimal"}
      maw={220}
      onChange={(e) => props.onChange({ ...props.value, text: e.currentTarget.value })}
    />
  );
}
