import { Checkbox } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ListedDelivery } from "../../../api/types";
import { Time } from "../../../time/Time";
import { Cell, ListRow } from "../../../ui/list/ListTable";
import { SeverityMark } from "../../../ui/marks/SeverityMark";
import { StatusChip } from "../../../ui/marks/StatusChip";
import { isolated } from "../../../words/bidi";
import { alertTypeWord, destinationName } from "../../../words/labels";
import { outcomeWord } from "../../../words/status";
import { SendButton } from "../actions/SendButton";
import classes from "./DeliveryListRow.module.css";

/** A delivery in the list. It opens the alert at this delivery. */
export function DeliveryListRow({
  delivery: d,
  selected,
  onSelect,
  alone,
}: {
  delivery: ListedDelivery;
  selected: boolean;
  /** `range`: with all rows since the one selected before. */
  onSelect: (range: boolean) => void;
  /** Whether the key "r" is this row's: it is not while a selection waits for it. */
  alone: boolean;
}) {
  const said = d.status === "delivered" ? undefined : lastAnswer(d);
  return (
    <ListRow selected={selected}>
      <Cell>
        <Checkbox
          aria-label={`Select the delivery of ${isolated(d.alert.title)} to ${isolated(d.destination.displayName)}`}
          checked={selected}
          data-shortcut="x"
          onChange={(e) => onSelect(e.nativeEvent instanceof MouseEvent && e.nativeEvent.shiftKey)}
        />
      </Cell>
      <Cell>
        <StatusChip delivery={d} detail={codeOf(d)} />
      </Cell>
      <Cell wide>
        <Link
          to="/alerts/$alertId"
          params={{ alertId: d.alertId }}
          search={{ delivery: d.id }}
          className={classes.title}
          title={d.alert.title}
        >
          {isolated(d.alert.title)}
        </Link>
        <div className={classes.detail}>
          <SeverityMark severity={d.alert.severity} />
          <span>{alertTypeWord[d.alert.type]}</span>
        </div>
      </Cell>
      <Cell rest>
        <div className={classes.cut} title={destinationName(d.destination)}>
          {destinationName(d.destination)}
        </div>
        {said !== undefined && (
          <div className={classes.said} title={said}>
            {isolated(said)}
          </div>
        )}
      </Cell>
      <Cell>
        <span title={`${d.attempts} of ${d.maxAttempts} tries of run ${d.run} used`}>
          {d.attempts} / {d.maxAttempts}
          {d.run > 1 && <span className={classes.run}> run {d.run}</span>}
        </span>
      </Cell>
      <Cell>
        <Time at={d.createdAt} />
      </Cell>
      <Cell end>
        <SendButton delivery={d} shortcut={alone ? "r" : undefined} />
      </Cell>
    </ListRow>
  );
}

/** What the last try got. A new run has had none yet, and the code of the one before is no news of it. */
function codeOf({ status, lastAttempt }: ListedDelivery): string | undefined {
  return lastAttempt && status !== "queued" ? outcomeWord(lastAttempt.class, lastAttempt.statusCode) : undefined;
}

function lastAnswer({ lastAttempt }: ListedDelivery): string | undefined {
  if (lastAttempt === null || lastAttempt.class === "acked") {
    return undefined;
  }
  const text = lastAttempt.error ?? (lastAttempt.responseBody ?? "").slice(0, 300).replaceAll(/\s+/g, " ");
  return text === "" ? undefined : text;
}
