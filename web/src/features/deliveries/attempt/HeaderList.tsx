import type { Header } from "../../../api/types";
import classes from "./HeaderList.module.css";

/** The headers of a request or an answer. Secret ones come masked. */
export function HeaderList({ headers }: { headers: readonly Header[] }) {
  if (headers.length === 0) {
    return <p className="dim">No headers.</p>;
  }
  return (
    <dl className={classes.list}>
      {headers.map(({ name, value }, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a header may come twice, with the same value too
        <div key={n} className={classes.header}>
          <dt>{name}</dt>
          <dd title={value === "****" ? "Secret: it is stored sealed and not shown" : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
