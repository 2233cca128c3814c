import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { type Last, lasts, type TimeRange } from "../../app/search";
import { moment } from "../../time/words";
import { FilterPopover } from "./ChoiceFilter";

const lastWords: Record<Last, string> = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
};

/** Limits a list to a stretch of time: one that moves along, or from and to, in local time. */
export function TimeFilter({ value, onChange }: { value: TimeRange; onChange: (range: TimeRange) => void }) {
  return (
    <FilterPopover label="Time" chosen={rangeWords(value)}>
      <Stack gap={4}>
        {lasts.map((last) => (
          <Button
            key={last}
            variant={value.last === last ? "light" : "subtle"}
            color={value.last === last ? undefined : "gray"}
            justify="flex-start"
            aria-pressed={value.last === last}
            onClick={() => onChange(value.last === last ? {} : { last })}
          >
            {lastWords[last]}
          </Button>
        ))}
        <FromTo key={`${value.from} ${value.to}`} value={value} onChange={onChange} />
      </Stack>
    </FilterPopover>
  );
}

function FromTo({ value, onChange }: { value: TimeRange; onChange: (range: TimeRange) => void }) {
  const [from, setFrom] = useState(toField(value.from));
  const [to, setTo] = useState(toField(value.to));
  return (
    <Stack gap={6} mt={6}>
      <TextInput type="datetime-local" label="From" value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
      <TextInput type="datetime-local" label="To" value={to} onChange={(e) => setTo(e.currentTarget.value)} />
      <Group justify="flex-end">
        <Button variant="default" onClick={() => onChange({ from: fromField(from), to: fromField(to) })}>
          Set
        </Button>
      </Group>
    </Stack>
  );
}

function rangeWords({ last, from, to }: TimeRange): string[] {
  if (last) {
    return [lastWords[last].toLowerCase()];
  }
  const words = (at: string) => moment(new Date(at), new Date());
  if (from && to) {
    return [`${words(from)} to ${words(to)}`];
  }
  return from ? [`since ${words(from)}`] : to ? [`before ${words(to)}`] : [];
}

/** A field of type datetime-local has local time without a zone. */
function toField(at: string | undefined): string {
  if (at === undefined) {
    return "";
  }
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function fromField(text: string): string | undefined {
  const date = new Date(text);
  return text === "" || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
