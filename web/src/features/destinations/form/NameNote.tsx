import { useQuery } from "@tanstack/react-query";
import { namingQuery } from "../../../api/destinations";
import type { Destination } from "../../../api/types";
import { isolated } from "../../../words/bidi";
import { NamingText } from "../dialogs/NamingText";
import classes from "./DestinationForm.module.css";
import { foldName } from "./validate";

/** What another name means for the alerts that name a destination. */
export function NameNote({
  name,
  saved,
  others,
}: {
  name: string;
  /** The destination that gets the name, if it exists. */
  saved: Destination | undefined;
  others: readonly Destination[];
}) {
  const folded = foldName(name.trim());
  const renamed = saved !== undefined && folded !== "" && folded !== foldName(saved.displayName);
  const before = others.find((d) => d.formerNames.some((former) => foldName(former) === folded));
  if (!renamed && before === undefined) {
    return null;
  }
  return (
    <div className={classes.note} role="status">
      {renamed && <RenameText destination={saved} />}
      {before && (
        <div>
          This is a former name of {isolated(before.displayName)}. Alerts that name it will come here, and no longer go
          there.
        </div>
      )}
    </div>
  );
}

function RenameText({ destination: d }: { destination: Destination }) {
  const naming = useQuery(namingQuery(d.id));
  return (
    <div>
      <NamingText naming={naming} /> The old name, {isolated(d.displayName)}, goes on working: alerts that name it still
      come here.
    </div>
  );
}
