import { Button, Input, TextInput } from "@mantine/core";
import type { Destination } from "../../../api/types";
import classes from "../form/DestinationForm.module.css";
import type { FieldsProps } from "../form/fields";

/** The URL. It is a secret: of a stored one scheme and host are shown, and it is kept or replaced as a whole. */
export function UrlField({ values, onChange, errorOf, saved }: FieldsProps & { saved: Destination | undefined }) {
  if (values.keepUrl && saved) {
    return (
      <Input.Wrapper
        size="xs"
        label="Custom Webhook URL"
        description="Stored sealed; what follows the host is not shown."
        labelElement="div"
      >
        <div className={classes.stored} data-field="settings.url">
          <span className="mono">{saved.settings?.url}/…</span>
          <Button variant="default" size="compact-xs" onClick={() => onChange({ keepUrl: false })}>
            Replace
          </Button>
        </div>
      </Input.Wrapper>
    );
  }
  return (
    <TextInput
      label="Custom Webhook URL"
      description="Alerts are posted here as JSON. It is stored sealed and not shown again."
      required
      placeholder="https://"
      inputMode="url"
      autoComplete="off"
      spellCheck={false}
      data-field="settings.url"
      value={values.url}
      error={errorOf("settings.url")}
      onChange={(e) => onChange({ url: e.currentTarget.value })}
      rightSectionWidth={90}
      rightSection={
        saved?.settings && (
          <Button variant="subtle" size="compact-xs" onClick={() => onChange({ keepUrl: true, url: "" })}>
            Keep stored
          </Button>
        )
      }
    />
  );
}
