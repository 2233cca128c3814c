import { ActionIcon, Button, PasswordInput, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useRef } from "react";
import classes from "../form/DestinationForm.module.css";
import { FieldError } from "../form/FieldError";
import type { FieldsProps } from "../form/fields";
import { type HeaderField, headerPath, sentHeaders } from "./headers";

/** Custom headers. Their values are secrets: a stored one is kept, replaced or removed, and never shown. */
export function HeaderFields({ values, onChange, errorOf }: FieldsProps) {
  const added = useRef(0);
  const group = useRef<HTMLFieldSetElement>(null);
  const { headers } = values;
  const change = (key: string, to: Partial<HeaderField>) =>
    onChange({ headers: headers.map((h) => (h.key === key ? { ...h, ...to } : h)) });
  const add = () => {
    added.current++;
    onChange({
      headers: [...headers, { key: `new-${added.current}-${Date.now()}`, name: "", value: "", stored: "no" }],
    });
    // The new row is there after the next paint.
    requestAnimationFrame(() => {
      group.current?.querySelector<HTMLInputElement>("[data-header]:last-of-type input")?.focus();
    });
  };
  const remove = (h: HeaderField) =>
    h.stored === "no"
      ? onChange({ headers: headers.filter((other) => other.key !== h.key) })
      : change(h.key, { stored: "remove", value: "" });
  const error = errorOf("settings.headers");
  return (
    <fieldset ref={group} className={classes.group} data-field="settings.headers">
      <legend className={classes.legend}>Custom HTTP Headers</legend>
      <p className={classes.hint}>
        Added to every request, such as an API key. Values are stored sealed and not shown again.
      </p>
      {headers.map((h) => (
        <HeaderRow
          key={h.key}
          header={h}
          path={headerPath(headers, h.key)}
          errorOf={errorOf}
          onChange={(to) => change(h.key, to)}
          onRemove={() => remove(h)}
        />
      ))}
      <FieldError message={error} />
      {sentHeaders(headers).length < 20 && (
        <Button variant="default" leftSection={<IconPlus size={13} aria-hidden />} onClick={add} mt={6}>
          Add header
        </Button>
      )}
    </fieldset>
  );
}

function HeaderRow({
  header: h,
  path,
  errorOf,
  onChange,
  onRemove,
}: {
  header: HeaderField;
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
      ) : (
        <PasswordInput
          size="xs"
          aria-label={h.stored === "replace" ? `New value of ${h.name}` : "Header value"}
          placeholder={h.stored === "replace" ? "New value" : "Value"}
          autoComplete="new-password"
          data-1p-ignore
          data-field={`${path}.value`}
          value={h.value}
          error={errorOf(`${path}.value`)}
          visibilityToggleButtonProps={{ "aria-label": `Show the value of ${named}`, tabIndex: 0 }}
          onChange={(e) => onChange({ value: e.currentTarget.value })}
        />
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
