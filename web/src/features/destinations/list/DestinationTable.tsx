import table from "../../../ui/list/ListTable.module.css";
import { DestinationRow } from "./DestinationRow";
import type { ListedDestination } from "./search";

const columns = ["Destination", "Takes", "State", "Last 24 hours", "Held", "Actions"];
const template =
  "minmax(160px, 1.3fr) minmax(150px, 1.2fr) minmax(120px, 0.8fr) minmax(150px, 1.1fr) minmax(60px, 0.4fr) 36px";

/** The destinations, a row each. All of them are there: no page is left to load. */
export function DestinationTable({ listed, of }: { listed: readonly ListedDestination[]; of: number }) {
  return (
    <>
      <table role="table" className={table.table} aria-label="destinations">
        <thead role="rowgroup" className={table.head}>
          <tr role="row" className={table.row} style={{ "--template": template }}>
            {columns.map((c) => (
              <th key={c} role="columnheader" scope="col">
                {c === "Actions" ? <span className="sr-only">{c}</span> : c}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" style={{ "--template": template }}>
          {listed.map((l) => (
            <DestinationRow key={l.destination.id} listed={l} />
          ))}
        </tbody>
      </table>
      <p className={table.end} role="status">
        {listed.length === of ? `${of} ${of === 1 ? "destination" : "destinations"}` : `${listed.length} of ${of}`}
      </p>
    </>
  );
}
