import { useQuery } from "@tanstack/react-query";
import { deliveryQuery } from "../../../api/deliveries";
import { serverQuery } from "../../../api/server";
import type { DeliveryDetails } from "../../../api/types";
import { Time } from "../../../time/Time";
import { parseWait } from "../../../time/words";
import { CopyId } from "../../../ui/code/CopyId";
import { Loaded } from "../../../ui/page/Loaded";
import { reasonSentence } from "../../../words/reasons";
import { CancelButton } from "../actions/CancelButton";
import { AttemptView } from "../attempt/AttemptView";
import classes from "./DeliveryHistory.module.css";
import { Timeline } from "./Timeline";

/**
 * All that happened to a delivery: its attempts as a timeline, and beside it one of them in full. Which one is open is
 * the page's to keep, in its URL; none chosen is the newest.
 */
export function DeliveryHistory({
  id,
  attempt,
  onAttempt,
}: {
  id: string;
  attempt: string | undefined;
  onAttempt: (attempt: string) => void;
}) {
  const query = useQuery(deliveryQuery(id));
  return (
    <Loaded query={query} what="The delivery" lines={6}>
      {(details) => <History details={details} attempt={attempt} onAttempt={onAttempt} />}
    </Loaded>
  );
}

function History({
  details,
  attempt,
  onAttempt,
}: {
  details: DeliveryDetails;
  attempt: string | undefined;
  onAttempt: (attempt: string) => void;
}) {
  // The timeline can do without: then it does not say what the schedule was.
  const { data: server } = useQuery(serverQuery);
  const waits = server?.retryWaits.map(parseWait) ?? [];
  const shown = details.attemptHistory.find((a) => a.id === attempt) ?? details.attemptHistory.at(-1);
  return (
    <div className={classes.history}>
      <div className={classes.facts}>
        {details.reason !== null && <p className={classes.reason}>{reasonSentence(details.reason)}</p>}
        <span>
          Opened <Time at={details.createdAt} />
        </span>
        {details.firstAckAt !== null && (
          <span>
            First acknowledged <Time at={details.firstAckAt} />
          </span>
        )}
        {details.finishedAt !== null && details.status !== "delivered" && (
          <span>
            Ended <Time at={details.finishedAt} />
          </span>
        )}
        <span className={classes.id}>
          Delivery <CopyId id={details.id} what="delivery ID" />
        </span>
        <CancelButton delivery={details} />
      </div>
      <div className={classes.columns}>
        <Timeline details={details} waits={waits} shown={shown?.id} onShow={onAttempt} />
        {shown ? (
          <AttemptView key={shown.id} deliveryId={details.id} summary={shown} />
        ) : (
          <p className="dim">
            {details.finishedAt === null ? "Not tried yet" : "Never tried"}: there is nothing to show of a request or an
            answer.
          </p>
        )}
      </div>
    </div>
  );
}
