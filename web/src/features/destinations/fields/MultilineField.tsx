import { Textarea } from "@mantine/core";
import { KeepStored, SecretKept } from "./KeptSecret";
import { type FieldProps, inputProps, type TextValue } from "./props";

/** Text of several lines. A stored one that is a secret is kept or replaced, and never shown. */
export function MultilineField({ mono = false, ...props }: FieldProps<TextValue> & { mono?: boolean }) {
  const { value } = props;
  if (value.keep) {
    return <SecretKept {...props} />;
  }
  return (
    <div>
      <Textarea
        size="xs"
        {...inputProps(props)}
        autosize
        minRows={4}
        maxRows={14}
        classNames={mono ? { input: "mono" } : {}}
        onChange={(e) => props.onChange({ ...value, text: e.currentTarget.value })}
      />
      <KeepStored {...props} />
    </div>
  );
}
