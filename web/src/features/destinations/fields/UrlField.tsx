import { TextInput } from "@mantine/core";
import { KeepStored, SecretKept } from "./KeptSecret";
import { type FieldProps, inputProps, type TextValue } from "./props";

/** A URL. Of a stored one that is a secret scheme and host are shown, and it is kept or replaced as a whole. */
export function UrlField(props: FieldProps<TextValue>) {
  const { value, shown } = props;
  if (value.keep) {
    return <SecretKept {...props}>{typeof shown === "string" && <span className="mono">{shown}/…</span>}</SecretKept>;
  }
  return (
    <TextInput
      inputMode="url"
      {...inputProps(props)}
      placeholder={props.field.placeholder ?? "https://"}
      onChange={(e) => props.onChange({ ...value, text: e.currentTarget.value })}
      rightSectionWidth={90}
      rightSection={<KeepStored {...props} />}
    />
  );
}
