import { TagsInput } from "@mantine/core";
import { FilterPopover } from "./ChoiceFilter";

/** A filter with several texts that nobody lists, such as log types. */
export function TextsFilter({
  label,
  hint,
  value,
  onChange,
}: {
  label: string;
  hint: string;
  value: readonly string[] | undefined;
  onChange: (value: string[] | undefined) => void;
}) {
  return (
    <FilterPopover label={label} chosen={value ?? []}>
      <TagsInput
        size="xs"
        label={label}
        description={hint}
        value={[...(value ?? [])]}
        onChange={(next) => onChange(next.length > 0 ? next : undefined)}
        acceptValueOnBlur
        splitChars={[","]}
        w={260}
      />
    </FilterPopover>
  );
}
