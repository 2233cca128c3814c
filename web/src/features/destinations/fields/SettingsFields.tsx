import type { ComponentType } from "react";
import type { Destination, SettingsField, SettingsFieldKind } from "../../../api/types";
import { BooleanField } from "./BooleanField";
import classes from "./fields.module.css";
import { HeadersField } from "./HeadersField";
import { MultilineField } from "./MultilineField";
import { NumberField } from "./NumberField";
import { PemField } from "./PemField";
import type { FieldProps, TextValue } from "./props";
import { SecretField } from "./SecretField";
import { SelectField } from "./SelectField";
import { enteredIn, hasSecret, type SettingsValues, type SettingValue, settingPath, shownSetting } from "./settings";
import { TextField } from "./TextField";
import { UrlField } from "./UrlField";

/** The component for each kind of field that is entered as text. */
const textKinds: Partial<Record<SettingsFieldKind, ComponentType<FieldProps<TextValue>>>> = {
  text: TextField,
  secret: SecretField,
  url: UrlField,
  select: SelectField,
  multiline: MultilineField,
  pem: PemField,
  number: NumberField,
};

/** The fields of a destination's settings, each as its description says, with a heading before each section. */
export function SettingsFields({
  fields,
  values,
  saved,
  onChange,
  errorOf,
}: {
  fields: readonly SettingsField[];
  values: SettingsValues;
  /** The destination that is edited. */
  saved: Destination | undefined;
  onChange: (values: SettingsValues) => void;
  errorOf: (path: string) => string | undefined;
}) {
  return fields.map((field, n) => {
    const heading = field.section !== undefined && field.section !== fields[n - 1]?.section && field.section;
    return (
      <div key={field.name}>
        {heading && <h3 className={classes.section}>{heading}</h3>}
        <SettingField
          field={field}
          path={settingPath(field)}
          value={enteredIn(field, values)}
          onChange={(next) => onChange({ ...values, [field.name]: next })}
          errorOf={errorOf}
          stored={saved?.usable === true && hasSecret(saved, field)}
          shown={saved && shownSetting(saved, field)}
        />
      </div>
    );
  });
}

function SettingField({ value, ...props }: FieldProps<SettingValue>) {
  switch (value.as) {
    case "headers":
      return <HeadersField {...props} value={value} />;
    case "truth":
      return <BooleanField {...props} value={value} />;
    case "text": {
      // A newer server may have kinds that this page does not know.
      const Field = textKinds[props.field.kind] ?? (props.field.secret ? SecretField : TextField);
      return <Field {...props} value={value} />;
    }
  }
}
