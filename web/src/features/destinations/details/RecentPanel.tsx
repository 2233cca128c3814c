import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { recentDeliveriesQuery } from "../../../api/destinations";
import type { Destination } from "../../../api/types";
import { Time } from "../../../time/Time";
import { SeverityMark } from "../../../ui/marks/SeverityMark";
import { StatusChip } from "../../../ui/marks/StatusChip";
import { Empty } from "../../../ui/page/Empty";
import { Loaded } from "../../../ui/page/Loaded";
import { Panel } from "../../../ui/page/Panel";
import { isolated } from "../../../words/bidi";
import { outcomeWord } from "../../../words/status";
import classes from "./RecentPanel.module.css";

/** The newest deliveries to a destination, each a way to its alert. */
export function RecentPanel({ destination: { id } }: { destination: Destination }) {
  const query = useQuery(recentDeliveriesQuery(id));
  return (
    <Panel
      title="Recent deliveries"
      flush
      aside={
        <span className={classes.links}>
          <Link to="/deliveries" search={{ destination: [id], status: ["failed"] }}>
            Failed
          </Link>
          <Link to="/deliveries" search={{ destination: [id] }}>
            All deliveries
          </Link>
        </span>
      }
    >
      <div className={query.data === undefined ? classes.pad : undefined}>
        <Loaded query={query} what="The deliveries" lines={5}>
          {(deliveries) =>
            deliveries.length === 0 ? (
              <Empty title="Nothing was sent here yet">
                What matches its filters goes here from now on. On an alert’s page, older alerts can be sent here too.
              </Empty>
            ) : (
              <ul className={classes.list}>
                {deliveries.map((d) => (
                  <li key={d.id} className={classes.row} data-row>
                    <Link
                      to="/alerts/$alertId"
                      params={{ alertId: d.alertId }}
                      search={{ delivery: d.id }}
                      className={classes.title}
                      title={d.alert.title}
                    >
                      {isolated(d.alert.title)}
                    </Link>
                    <SeverityMark severity={d.alert.severity} />
                    <span>
                      <StatusChip
                        delivery={d}
                        detail={
                          d.lastAttempt && d.status !== "queued"
                            ? outcomeWord(d.lastAttempt.class, d.lastAttempt.statusCode)
                            : undefined
                        }
                      />
                    </span>
                    <span className="dim">
                      <Time at={d.createdAt} />
                    </span>
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </div>
    </Panel>
  );
}
