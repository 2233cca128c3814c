import type { Destination, DestinationTypeInfo, SettingsField } from "../../../api/types";
import { isolated } from "../../../words/bidi";
import { shownHeaders } from "../fields/headers";
import { hasSecret, lackedKey, shownSetting } from "../fields/settings";
import { Fact } from "./Fact";
import classes from "./Fact.module.css";

/** The settings of a destination, as its type describes them. Secrets are named, not shown. */
export function SettingsFacts({ destination: d, type }: { destination: Destination; type: DestinationTypeInfo }) {
  if (d.settings === null) {
    return <Fact name="Settings">{lackedKey(d) ?? "none that can be opened"}</Fact>;
  }
  return type.fields
    .filter((f) => f.required || f.kind === "headers" || isThere(d, f))
    .map((f) => (
      <Fact key={f.name} name={f.label}>
        <Setting destination={d} field={f} />
      </Fact>
    ));
}

function isThere(d: Destination, f: SettingsField): boolean {
  return hasSecret(d, f) || shownSetting(d, f) !== undefined;
}

function Setting({ destination: d, field: f }: { destination: Destination; field: SettingsField }) {
  const shown = shownSetting(d, f);
  switch (f.kind) {
    case "headers": {
      const headers = shownHeaders(shown);
      return headers.length === 0
        ? "none"
        : headers.map((h) => (
            <div key={h.name}>
              <span className="mono">{h.name}</span>{" "}
              {h.value === undefined ? (
                <span className="dim">value stored</span>
              ) : (
                <span className="mono">{isolated(h.value)}</span>
              )}
            </div>
          ));
    }
    case "boolean":
      return shown === true ? "yes" : "no";
    case "select":
      return f.options?.find((o) => o.value === shown)?.label ?? text(shown);
    case "multiline":
    case "pem":
      return shown === undefined ? stored(d, f) : <pre className={classes.lines}>{text(shown)}</pre>;
    case "url":
      return shown === undefined ? (
        stored(d, f)
      ) : (
        <>
          <span className="mono">{text(shown)}</span>
          {f.secret && <span className="dim">/… the rest is secret</span>}
        </>
      );
    default:
      return shown === undefined ? stored(d, f) : text(shown);
  }
}

function stored(d: Destination, f: SettingsField) {
  return <span className="dim">{hasSecret(d, f) ? "a value is stored" : "none"}</span>;
}

function text(shown: unknown): string {
  return shown === undefined ? "" : isolated(String(shown));
}
