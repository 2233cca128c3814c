import { NumberInput, Switch } from "@mantine/core";
import { useState } from "react";
import type { FieldsProps } from "./DestinationForm";
import classes from "./DestinationForm.module.css";
import { defaultInFlight } from "./form";

/** How hard it may be worked. Few need this, so it opens on demand, and by itself when something in it is wrong. */
export function LimitsFields({ values, onChange, errorOf }: FieldsProps) {
  const usual = values.maxInFlight === defaultInFlight && values.ratePerSecond === "" && values.holdNotAnswering;
  const [opened, setOpened] = useState(!usual);
  const wrong = ["maxInFlight", "ratePerSecond", "burst"].some((f) => errorOf(`limits.${f}`) !== undefined);
  const number = (n: number | string) => (typeof n === "number" ? n : "");
  return (
    <details open={opened || wrong} onToggle={(e) => setOpened(e.currentTarget.open)}>
      <summary className={classes.summary}>
        Limits <span className="dim">{usual ? "as usual" : "set for this destination"}</span>
      </summary>
      <div className={classes.limits} style={{ marginTop: 10 }}>
        <NumberInput
          size="xs"
          label="In flight"
          description="Attempts under way at a time, from each replica of Belfry."
          placeholder={String(defaultInFlight)}
          allowDecimal={false}
          allowNegative={false}
          data-field="limits.maxInFlight"
          value={values.maxInFlight}
          error={errorOf("limits.maxInFlight")}
          onChange={(n) => onChange({ maxInFlight: number(n) })}
        />
        <NumberInput
          size="xs"
          label="Rate per second"
          description="Attempts started in a second, by all replicas together."
          placeholder="No limit"
          allowNegative={false}
          decimalScale={2}
          data-field="limits.ratePerSecond"
          value={values.ratePerSecond}
          error={errorOf("limits.ratePerSecond")}
          onChange={(n) => onChange({ ratePerSecond: number(n) })}
        />
        <NumberInput
          size="xs"
          label="Burst"
          description={
            values.ratePerSecond === "" ? "Only together with a rate." : "Attempts started at once after a quiet time."
          }
          placeholder={values.ratePerSecond === "" ? "" : String(Math.max(1, Math.ceil(values.ratePerSecond)))}
          allowDecimal={false}
          allowNegative={false}
          disabled={values.ratePerSecond === ""}
          data-field="limits.burst"
          value={values.ratePerSecond === "" ? "" : values.burst}
          error={errorOf("limits.burst")}
          onChange={(n) => onChange({ burst: number(n) })}
        />
      </div>
      <Switch
        size="xs"
        label="Hold its deliveries while it does not answer"
        description="They wait without using up their tries, and one at a time probes it. Switched off, each goes on by itself until its tries are used up."
        checked={values.holdNotAnswering}
        onChange={(e) => onChange({ holdNotAnswering: e.currentTarget.checked })}
      />
    </details>
  );
}
