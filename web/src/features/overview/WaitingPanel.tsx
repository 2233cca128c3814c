import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { healthListQuery } from "../../api/destinations";
import type { DeliveryStatus } from "../../api/types";
import { Loaded } from "../../ui/page/Loaded";
import { Panel } from "../../ui/page/Panel";
import { countWord, noneOf } from "../../words/count";
import { heldReasons, reasonSentence, reasonWord } from "../../words/reasons";
import { statusWord } from "../../words/status";
import { countsOf } from "../deliveries/list/StatusCounts";
import type { DeliveriesSearch } from "../deliveries/list/search";
import { heldFor } from "../destinations/health/health";
import { heldWord } from "./attention";
import classes from "./WaitingPanel.module.css";

const everything: DeliveriesSearch = {};

/** What is still to go out, by what it waits for. */
export function WaitingPanel() {
  const counts = useQuery(countsOf(everything));
  const health = useQuery(healthListQuery);
  return (
    <Panel title="Waiting">
      <Loaded query={counts} what="The counts" lines={2}>
        {(all) => (
          <Loaded query={health} what="The health of the destinations" lines={2}>
            {(healths) => (
              <ul className={classes.tiles}>
                {(["queued", "retrying"] as const).map((status) => (
                  <Tile
                    key={status}
                    search={{ status: [status] }}
                    status={status}
                    number={countWord(all[status])}
                    none={noneOf(all[status])}
                    word={statusWord[status]}
                  />
                ))}
                {heldReasons.map((reason) => {
                  const n = healths.reduce((sum, h) => sum + heldFor(h.held, reason), 0);
                  return (
                    <Tile
                      key={reason}
                      search={{ status: ["held"], reason: [reason] }}
                      status="held"
                      number={heldWord(n)}
                      none={n === 0}
                      word={`Held: ${reasonWord(reason)}`}
                      more={reasonSentence(reason)}
                    />
                  );
                })}
              </ul>
            )}
          </Loaded>
        )}
      </Loaded>
    </Panel>
  );
}

function Tile({
  search,
  status,
  number,
  none,
  word,
  more,
}: {
  search: DeliveriesSearch;
  status: DeliveryStatus;
  number: string;
  none: boolean;
  word: string;
  more?: string | undefined;
}) {
  return (
    <li>
      <Link to="/deliveries" search={search} className={classes.tile} title={more}>
        <span className={classes.number} data-status={none ? undefined : status}>
          {number}
        </span>
        <span>{word}</span>
      </Link>
    </li>
  );
}
