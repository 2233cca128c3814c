import type { ReactNode } from "react";
import { Time } from "../../time/Time";
import classes from "./settings.module.css";

export type AccessRow = {
  id: string;
  /** What it is called, and what else is said of that. */
  name: ReactNode;
  about: ReactNode;
  lastUsedAt: string | null;
  createdAt: string;
  /** How it came to be. */
  created: ReactNode;
  action: ReactNode;
  /** Whether it gives access no more. */
  over?: boolean;
};

/** What gives access: tokens, or sessions. On a narrow screen each row is a block, and its cells say what they are. */
export function AccessTable({
  columns: { name, about, created },
  rows,
}: {
  /** The heads of the columns that are not the same for all. */
  columns: { name: string; about: string; created: string };
  rows: readonly AccessRow[];
}) {
  return (
    <table className={classes.table} role="table">
      <thead role="rowgroup">
        <tr role="row">
          {[name, about, "Last used", created, "Action"].map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={row.id} role="row" data-row data-revoked={row.over || undefined}>
            <td role="cell">{row.name}</td>
            <td role="cell">{row.about}</td>
            <td role="cell">
              <span className={classes.label}>Last used </span>
              {row.lastUsedAt === null ? <span className="dim">never</span> : <Time at={row.lastUsedAt} ago />}
            </td>
            <td role="cell">
              <span className={classes.label}>{created} </span>
              <Time at={row.createdAt} />
              <div className="dim">{row.created}</div>
            </td>
            <td role="cell">{row.action}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
