import { Button, Checkbox, Popover, Stack, TextInput } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { isolated } from "../../words/bidi";
import classes from "./FilterBar.module.css";

export type Choice<T extends string> = { value: T; label: string; show?: ReactNode };

/** A filter with several values, of which any may match. Long lists can be searched. */
export function ChoiceFilter<T extends string>({
  label,
  choices,
  value,
  onChange,
}: {
  label: string;
  choices: readonly Choice<T>[];
  value: readonly T[] | undefined;
  onChange: (value: T[] | undefined) => void;
}) {
  const [find, setFind] = useState("");
  const chosen = value ?? [];
  const matching = choices.filter((c) => c.label.toLowerCase().includes(find.toLowerCase()));
  const toggle = (one: T) => {
    const next = choices.map((c) => c.value).filter((v) => (v === one ? !chosen.includes(v) : chosen.includes(v)));
    onChange(next.length > 0 ? next : undefined);
  };
  return (
    <FilterPopover label={label} chosen={choices.filter((c) => chosen.includes(c.value)).map((c) => c.label)}>
      <Stack gap={8}>
        {choices.length > 10 && (
          <TextInput
            aria-label={`Find in ${label}`}
            placeholder="Find"
            value={find}
            onChange={(e) => setFind(e.currentTarget.value)}
          />
        )}
        <Stack gap={8} mah={320} style={{ overflowY: "auto" }}>
          {matching.map((c) => (
            <Checkbox
              key={c.value}
              label={c.show ?? isolated(c.label)}
              checked={chosen.includes(c.value)}
              onChange={() => toggle(c.value)}
            />
          ))}
          {matching.length === 0 && <span className="dim">Nothing of that name</span>}
        </Stack>
      </Stack>
    </FilterPopover>
  );
}

/** The button of a filter, which says what is chosen, and what it opens. */
export function FilterPopover({
  label,
  chosen,
  children,
}: {
  label: string;
  chosen: readonly string[];
  children: ReactNode;
}) {
  const set = chosen.length > 0;
  const said =
    chosen.length > 2 ? `${isolated(chosen[0] ?? "")} and ${chosen.length - 1} more` : chosen.map(isolated).join(", ");
  return (
    <Popover position="bottom-start" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <Button
          variant="default"
          className={classes.filter}
          data-set={set || undefined}
          rightSection={<IconChevronDown size={12} aria-hidden />}
        >
          <span className={classes.chosen}>{set ? `${label}: ${said}` : label}</span>
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label} miw={200} maw={340}>
        {children}
      </Popover.Dropdown>
    </Popover>
  );
}
