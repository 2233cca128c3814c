import { Link } from "@tanstack/react-router";
import { ListRow } from "../../../ui/list/ListTable";
import { isolated } from "../../../words/bidi";
import { takesWords } from "../details/takes";
import { lackedKey, placeOf } from "../fields/settings";
import { HealthChip } from "../health/HealthChip";
import { countText, healthStatusesOf, heldTotal } from "../health/health";
import { DestinationMenu } from "./DestinationMenu";
import classes from "./DestinationRow.module.css";
import { HealthCell } from "./HealthCell";
import type { ListedDestination } from "./search";

/** A destination in the list. */
export function DestinationRow({ listed: { destination, type, health, hours } }: { listed: ListedDestination }) {
  const { id, displayName } = destination;
  const place = destination.usable ? (lackedKey(destination) ?? placeOf(destination, type)) : "cannot be used";
  const takes = takesWords(destination);
  const held = health ? heldTotal(health.held) : undefined;
  const rest = `${takes.alertTypes} · ${takes.logTypes}`;
  return (
    <ListRow>
      <td role="cell" className={classes.nameCell}>
        <Link to="/destinations/$destinationId" params={{ destinationId: id }} className={classes.name}>
          {isolated(displayName)}
        </Link>
        <div className={classes.detail}>
          {[type?.name ?? destination.type, place].filter((part) => part !== undefined).join(" · ")}
        </div>
      </td>
      <td role="cell" className={classes.takesCell}>
        <div>{takes.severities}</div>
        <div className={classes.detail} title={rest}>
          {rest}
        </div>
      </td>
      <td role="cell" className={classes.stateCell}>
        <div className={classes.chips}>
          {healthStatusesOf(destination, health).map((s) => (
            <HealthChip key={s} status={s} />
          ))}
        </div>
      </td>
      <td role="cell" className={classes.healthCell}>
        {health && <HealthCell health={health} hours={hours} />}
      </td>
      <td role="cell" className={classes.heldCell}>
        {held === undefined ? null : held.n > 0 ? (
          <Link
            to="/deliveries"
            search={{ destination: [id], status: ["held"] }}
            className={classes.held}
            title="Its held deliveries"
          >
            {countText(held.n, held.more)} held
          </Link>
        ) : (
          <span className={classes.none}>0 held</span>
        )}
      </td>
      <td role="cell" className={classes.menuCell}>
        <div className={classes.menu}>
          <DestinationMenu destination={destination} />
        </div>
      </td>
    </ListRow>
  );
}
