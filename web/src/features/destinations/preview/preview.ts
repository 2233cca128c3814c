import type { DestinationTypeInfo, Header } from "../../../api/types";
import { sentHeaders } from "../fields/headers";
import { askedFields, enteredIn, type SettingsValues } from "../fields/settings";

/** Without the signature: that of an example is made with a key that nobody has, so no receiver would accept it. */
export function unsigned(headers: readonly Header[]): Header[] {
  return headers.filter((h) => h.name.toLowerCase() !== "webhook-signature");
}

/** What a receiver gets of an example alert: the type's own example with the headers that are entered, masked. */
export function previewOf(type: DestinationTypeInfo, values: SettingsValues): Header[] {
  const entered = askedFields(type.fields, values).flatMap((f) => {
    const value = enteredIn(f, values);
    return value.as === "headers" ? sentHeaders(value.headers).map((h) => ({ ...h, secret: f.secret })) : [];
  });
  return [
    ...(type.example?.headers ?? []),
    ...entered
      .filter((h) => h.name.trim() !== "")
      .map((h) => ({ name: h.name.trim(), value: h.secret ? "****" : h.value.trim() })),
  ];
}
