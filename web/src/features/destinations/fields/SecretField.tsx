import { PasswordInput } from "@mantine/core";
import { KeepStored, SecretKept } from "./KeptSecret";
import { type FieldProps, inputProps, type TextValue } from "./props";

/** A line of text that is a secret. A stored one is kept or replaced, and never shown. */
export function SecretField(props: FieldProps<TextValue>) {
  const { field, value } = props;
  if (value.keep) {
    return <SecretKept {...props} />;
  }
  return (
    <div>
      <PasswordInput
        size="xs"
        {...inputProps(props)}
        autoComplete="new-password"
        data-1p-ignore
        visibilityToggleButtonProps={{ "aria-label": `Show ${field.label}`, tabIndex: 0 }}
        onChange={(e) => props.onChange({ ...value, text: e.currentTarget.value })}
      />
      <KeepStored {...props} />
    </div>
  );
}
