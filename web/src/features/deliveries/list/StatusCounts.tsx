import { useQuery } from "@tanstack/react-query";
import { countsQuery } from "../../../api/deliveries";
import { type DeliveryStatus, deliveryStatuses } from "../../../api/types";
import { compact } from "../../../app/search";
import { now } from "../../../time/clock";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { countWord, noneOf } from "../../../words/count";
import { statusWord } from "../../../words/status";
import classes from "./StatusCounts.module.css";
import { countFilters, type DeliveriesSearch } from "./search";

/** How many deliveries match the other filters, by status. */
export const countsOf = (search: DeliveriesSearch) =>
  countsQuery(compact({ ...search, status: undefined }), () => countFilters(search, now()));

/** The counts by status. Each is a filter: pressed, the list has that status too. */
export function StatusCounts({
  search,
  onChange,
}: {
  search: DeliveriesSearch;
  onChange: (status: DeliveryStatus[] | undefined) => void;
}) {
  const query = useQuery(countsOf(search));
  const chosen = search.status ?? [];
  const toggle = (one: DeliveryStatus) => {
    const next = deliveryStatuses.filter((s) => (s === one ? !chosen.includes(s) : chosen.includes(s)));
    onChange(next.length > 0 ? next : undefined);
  };
  return (
    <>
      {query.isError && (
        <ProblemAlert
          title="The counts could not be brought up to date"
          error={query.error}
          retry={() => void query.refetch()}
        />
      )}
      <fieldset className={classes.counts}>
        <legend className="sr-only">Status</legend>
        {deliveryStatuses.map((s) => (
          <button
            key={s}
            type="button"
            className={classes.count}
            data-status={s}
            data-none={(query.data && noneOf(query.data[s])) || undefined}
            aria-pressed={chosen.includes(s)}
            onClick={() => toggle(s)}
          >
            <span className={classes.number}>{query.data ? countWord(query.data[s]) : "–"}</span>
            <span>{statusWord[s]}</span>
          </button>
        ))}
      </fieldset>
      {query.data && deliveryStatuses.some((s) => query.data[s].capped) && (
        <p className={classes.note}>Not all deliveries were counted. A number with a “+” may be too small.</p>
      )}
    </>
  );
}
