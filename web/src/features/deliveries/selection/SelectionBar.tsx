import { Button, Checkbox } from "@mantine/core";
import { useMayNot } from "../../../api/session";
import type { DeliveryCounts } from "../../../api/types";
import { ActionButton } from "../../../ui/act/ActionButton";
import { countWord } from "../../../words/count";
import { matching, namedAtMost } from "../bulk/bulk";
import type { DeliveriesSearch } from "../list/search";
import classes from "./SelectionBar.module.css";
import { allShown, isEmpty, nothingSelected, type Selection, toggleShown } from "./selection";

/** What is selected, and what can be done with it. It stays in sight while anything is. */
export function SelectionBar({
  selection,
  onSelect,
  shown,
  search,
  counts,
  more,
  onResend,
}: {
  selection: Selection;
  onSelect: (selection: Selection) => void;
  shown: readonly string[];
  search: DeliveriesSearch;
  counts: DeliveryCounts | undefined;
  /** Whether more match than are shown. */
  more: boolean;
  onResend: () => void;
}) {
  const mayNot = useMayNot("operate");
  const empty = isEmpty(selection);
  const total = counts && countWord(matching(counts, search.status));
  const tooMany = !selection.all && selection.ids.size > namedAtMost;
  return (
    <div className={classes.bar} data-some={!empty || undefined}>
      <Checkbox
        label={empty ? `Select the ${shown.length} shown` : selectedWords(selection, total)}
        checked={allShown(selection, shown)}
        indeterminate={!empty && !allShown(selection, shown)}
        onChange={() => onSelect(toggleShown(selection, shown))}
      />
      {!empty && (
        <>
          {!selection.all && more && (
            <Button variant="subtle" size="compact-xs" onClick={() => onSelect({ all: true })}>
              Select all {total ?? ""} that match
            </Button>
          )}
          <ActionButton
            variant="filled"
            shortcut="r"
            mayNot={
              mayNot ??
              (tooMany ? `At most ${namedAtMost.toLocaleString()} can be named: select all that match.` : undefined)
            }
            onClick={onResend}
          >
            Re-send…
          </ActionButton>
          <Button variant="subtle" color="gray" data-close onClick={() => onSelect(nothingSelected)}>
            Select none
          </Button>
        </>
      )}
    </div>
  );
}

function selectedWords(selection: Selection, total: string | undefined): string {
  return selection.all
    ? `All ${total ?? ""} that match are selected`
    : `${selection.ids.size.toLocaleString()} selected`;
}
