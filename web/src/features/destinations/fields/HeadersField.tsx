import { ActionIcon, Button, PasswordInput, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { type ChangeEvent, useRef } from "react";
import form from "../form/DestinationForm.module.css";
import { FieldError } from "../form/FieldError";
import classes from "./fields.module.css";
import { type HeaderField, headerPath, sentHeaders } from "./headers";
import { type FieldProps, helpOf } from "./props";
import type { SettingValue } from "./settings";

/** Headers. Where their values are secrets, a stored one is kept, replaced or removed, and never shown. */
export function HeadersField({
  field,
  path,
  value: { headers },
  onChange,
  errorOf,
}: FieldProps<Extract<SettingValue, { as: "headers" }>>) {
  const help = helpOf(field);
  const added = useRef(0);
  const group = useRef<HTMLFieldSetElement>(null);
  const setHeaders = (next: readonly HeaderField[]) => onChange({ as: "headers", headers: next });
  const change = (key: string, to: Partial<HeaderField>) =>
    setHeaders(headers.map((h) => (h.key === key ? { ...h, ...to } : h)));
  const add = () => {
    added.current++;
    setHeaders([...headers, { key: `new-${added.current}-${Date.now()}`, name: "", value: "", stored: "no" }]);
    // The new row is there after the next paint.
    requestAnimationFrame(() => {
      group.current?.querySelector<HTMLInputElement>("[data-header]:last-of-type input")?.focus();
    });
  };
  const remove = (h: HeaderField) =>
    h.stored === "no"
      ? setHeaders(headers.filter((other) => other.key !== h.key))
      : change(h.key, { stored: "remove", value: "" });
  return (
    <fieldset ref={group} className={form.group} data-field={path}>
      <legend className={form.legend}>{field.label}</legend>
      {help !== undefined && <p className={form.hint}>{help}</p>}
      {headers.map((h) => (
        <HeaderRow
          key={h.key}
          header={h}
          secret={field.secret}
          path={headerPath(path, headers, h.key)}
          errorOf={errorOf}
          onChange={(to) => change(h.key, to)}
          onRemove={() => remove(h)}
        />
      ))}
      <FieldError message={errorOf(path)} />
      {sentHeaders(headers).length < (field.maxItems ?? 20) && (
        <Button variant="default" leftSection={<IconPlus size={13} aria-hidden />} onClick={add} mt={6}>
          Add header
        </Button>
      )}
    </fieldset>
  );
}

function HeaderRow({
  header: h,
  secret,
  path,
  errorOf,
  onChange,
  onRemove,
}: {
  header: HeaderField;
  /** Whether its value is a secret. */
  secret: boolean;
  path: string;
  errorOf: (path: string) => string | undefined;
  onChange: (to: Partial<HeaderField>) => void;
  onRemove: () => void;
}) {
  const named = h.name === "" ? "this header" : h.name;
  if (h.stored === "remove") {
    return (
      <div className={classes.header} data-header>
        <div className={classes.stored}>
          <span className={`mono ${classes.removed}`}>{h.name}</span>
        </div>
        <div className={classes.stored}>
          <span className="dim">is removed when you save</span>
        </div>
        <span className={`${classes.stored} ${classes.ends}`}>
          <Button
            variant="subtle"
            size="compact-xs"
            aria-label={`Undo removing ${h.name}`}
            onClick={() => onChange({ stored: "keep" })}
          >
            Undo
          </Button>
        </span>
      </div>
    );
  }
  const value = {
    size: "xs",
    "aria-label": h.stored === "replace" ? `New value of ${h.name}` : "Header value",
    placeholder: h.stored === "replace" ? "New value" : "Value",
    "data-field": `${path}.value`,
    value: h.value,
    error: errorOf(`${path}.value`),
    onChange: (e: ChangeEvent<HTMLInputElement>) => onChange({ value: e.currentTarget.value }),
  };
  return (
    <div className={classes.header} data-header>
      {h.stored === "no" ? (
        <TextInput
          aria-label="Header name"
          placeholder="Name"
          autoComplete="off"
          spellCheck={false}
          data-field={`${path}.name`}
          value={h.name}
          error={errorOf(`${path}.name`)}
          onChange={(e) => onChange({ name: e.currentTarget.value })}
        />
      ) : (
        <div className={classes.stored} data-field={`${path}.name`}>
          <span className="mono">{h.name}</span>
          <FieldError message={errorOf(`${path}.name`)} />
        </div>
      )}
      {h.stored === "keep" ? (
        <div className={classes.stored}>
          <span className="dim">A value is stored</span>
          <Button
            variant="default"
            size="compact-xs"
            aria-label={`Replace the value of ${h.name}`}
            onClick={() => onChange({ stored: "replace" })}
          >
            Replace
          </Button>
        </div>
      ) : secret ? (
        <PasswordInput
          {...value}
          autoComplete="new-password"
          data-1p-ignore
          visibilityToggleButtonProps={{ "aria-label": `Show the value of ${named}`, tabIndex: 0 }}
        />
      ) : (
        <TextInput {...value} autoComplete="off" spellCheck={false} />
      )}
      <span className={`${classes.stored} ${classes.ends}`}>
        {h.stored === "replace" && (
          <Button
            variant="subtle"
            size="compact-xs"
            aria-label={`Keep stored value of ${h.name}`}
            onClick={() => onChange({ stored: "keep", value: "" })}
          >
            Keep stored
          </Button>
        )}
        <ActionIcon aria-label={`Remove ${named}`} title={`Remove ${named}`} onClick={onRemove}>
          <IconTrash size={14} aria-hidden />
        </ActionIcon>
      </span>
    </div>
  );
}
