import { Link } from "@tanstack/react-router";
import type { AlertSummary } from "../../api/types";
import { Time } from "../../time/Time";
import { Cell, ListRow } from "../../ui/list/ListTable";
import { SeverityMark } from "../../ui/marks/SeverityMark";
import { isolated } from "../../words/bidi";
import { alertTypeWord } from "../../words/labels";
import classes from "./AlertRow.module.css";
import { DeliveryStates } from "./DeliveryStates";

/** An alert in the list. */
export function AlertRow({ alert }: { alert: AlertSummary }) {
  const { alertId, title, id, severity, type, logTypes, deliveries, unrouted, acceptedAt } = alert;
  const detail = [...(id === title ? [] : [id]), ...logTypes].map(isolated).join(" · ");
  return (
    <ListRow>
      <Cell>
        <SeverityMark severity={severity} />
      </Cell>
      <Cell wide>
        <Link to="/alerts/$alertId" params={{ alertId }} className={classes.title} title={title}>
          {isolated(title)}
        </Link>
        {detail !== "" && <div className={classes.detail}>{detail}</div>}
      </Cell>
      <Cell>{alertTypeWord[type]}</Cell>
      <Cell wide>
        <DeliveryStates deliveries={deliveries} unrouted={unrouted} />
      </Cell>
      <Cell>
        <Time at={acceptedAt} />
      </Cell>
    </ListRow>
  );
}
