import { MultilineField } from "./MultilineField";
import type { FieldProps, TextValue } from "./props";

/** Certificates or a key in PEM. */
export function PemField(props: FieldProps<TextValue>) {
  return (
    <MultilineField
      {...props}
      field={{ ...props.field, placeholder: props.field.placeholder ?? "-----BEGIN …-----" }}
      mono
    />
  );
}
