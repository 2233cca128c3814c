import { Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { storageWord } from "../../../words/labels";
import { numberOf } from "../../../words/number";
import classes from "./DestinationForm.module.css";
import type { FieldsProps } from "./fields";
import { defaultInFlight } from "./form";

/** How hard it may be worked. Few need this, so it opens on demand, and by itself when something in it is wrong. */
export function LimitsFields({ values, onChange, errorOf }: FieldsProps) {
  const unlimited = values.ratePerSecond.trim() === "";
  const usual =
    ["", String(defaultInFlight)].includes(values.maxInFlight.trim()) &&
    unlimited &&
    values.holdFailing &&
    values.responseStorage === "full";
  const [opened, setOpened] = useState(!usual);
  const wrong = ["maxInFlight", "ratePerSecond", "burst"].some((f) => errorOf(`limits.${f}`) !== undefined);
  const usualBurst = Math.max(1, Math.ceil(numberOf(values.ratePerSecond) ?? 1));
  return (
    <details open={opened || wrong} onToggle={(e) => setOpened(e.currentTarget.open)}>
      <summary className={classes.summary}>
        Limits and storage <span className="dim">{usual ? "as usual" : "set for this destination"}</span>
      </summary>
      <div className={classes.limits} style={{ marginTop: 10 }}>
        <TextInput
          label="In flight, at most"
          description="Attempts in flight at a time, from each replica. Below that, Belfry finds out how many it can take."
          placeholder={String(defaultInFlight)}
          inputMode="numeric"
          autoComplete="off"
          data-field="limits.maxInFlight"
          value={values.maxInFlight}
          error={errorOf("limits.maxInFlight")}
          onChange={(e) => onChange({ maxInFlight: e.currentTarget.value })}
        />
        <TextInput
          label="Rate per second"
          description="Attempts started in a second, by all replicas together."
          placeholder="No limit; 0.5 is one in two seconds"
          inputMode="decimal"
          autoComplete="off"
          data-field="limits.ratePerSecond"
          value={values.ratePerSecond}
          error={errorOf("limits.ratePerSecond")}
          onChange={(e) => onChange({ ratePerSecond: e.currentTarget.value })}
        />
        <TextInput
          label="Burst"
          description={
            unlimited ? "It needs a rate. Enter one first." : "Attempts started at once after a time without any."
          }
          placeholder={unlimited ? "" : String(usualBurst)}
          inputMode="numeric"
          autoComplete="off"
          disabled={unlimited}
          data-field="limits.burst"
          value={unlimited ? "" : values.burst}
          error={errorOf("limits.burst")}
          onChange={(e) => onChange({ burst: e.currentTarget.value })}
        />
      </div>
      <Switch
        size="xs"
        label="Hold its deliveries while it keeps failing"
        description="They wait without using up their tries, and one at a time probes it. Switched off, each goes on by itself until its tries are used up."
        checked={values.holdFailing}
        onChange={(e) => onChange({ holdFailing: e.currentTarget.checked })}
      />
      <Select
        size="xs"
        mt="sm"
        label="Stored answers"
        description="What Belfry keeps of the destination's answers. The status code is always kept."
        data={(["full", "headers", "none"] as const).map((value) => ({ value, label: storageWord[value] }))}
        allowDeselect={false}
        data-field="responseStorage"
        value={values.responseStorage}
        error={errorOf("responseStorage")}
        onChange={(value) => value !== null && onChange({ responseStorage: value })}
      />
    </details>
  );
}
