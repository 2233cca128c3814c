import { Button, Input } from "@mantine/core";
import { type ReactNode, useId } from "react";
import classes from "./fields.module.css";
import { type FieldProps, helpOf, type TextValue } from "./props";

/** A stored secret that stays as it is, with the way to replace it. */
export function SecretKept({
  field,
  path,
  value,
  onChange,
  errorOf,
  children,
}: FieldProps<TextValue> & { children?: ReactNode }) {
  const error = errorOf(path);
  const errorId = useId();
  const button = (name: string, keep: TextValue) => (
    <Button
      variant="default"
      size="compact-xs"
      aria-label={`${name} ${field.label}`}
      // There is no input that could have the error, and a button gets the focus in its place.
      aria-describedby={error === undefined ? undefined : errorId}
      onClick={() => onChange(keep)}
    >
      {name}
    </Button>
  );
  return (
    <Input.Wrapper
      size="xs"
      label={field.label}
      description={helpOf(field)}
      labelElement="div"
      error={error}
      errorProps={{ id: errorId }}
    >
      <div className={classes.stored} data-field={path}>
        {children || <span className="dim">A value is stored</span>}
        {button("Replace", { ...value, keep: false })}
        {!field.required && button("Remove", { ...value, text: "", keep: false })}
      </div>
    </Input.Wrapper>
  );
}

/** The way back from replacing a stored secret. */
export function KeepStored({ field, value, onChange, stored }: FieldProps<TextValue>) {
  return stored ? (
    <Button
      variant="subtle"
      size="compact-xs"
      aria-label={`Keep stored ${field.label}`}
      onClick={() => onChange({ ...value, text: "", keep: true })}
    >
      Keep stored
    </Button>
  ) : null;
}
