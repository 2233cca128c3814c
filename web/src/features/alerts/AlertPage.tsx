import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { alertQuery } from "../../api/alerts";
import { asProblem } from "../../api/problem";
import type { Alert } from "../../api/types";
import { Time } from "../../time/Time";
import { CopyId } from "../../ui/code/CopyId";
import { SeverityMark } from "../../ui/marks/SeverityMark";
import { Empty } from "../../ui/page/Empty";
import { Loaded } from "../../ui/page/Loaded";
import { useLastError } from "../../ui/page/lastError";
import { PageHead } from "../../ui/page/PageHead";
import { isolated } from "../../words/bidi";
import { alertTypeWord } from "../../words/labels";
import { AlertContent } from "./AlertContent";
import classes from "./AlertPage.module.css";
import { DeliveryStatusPanel } from "./DeliveryStatusPanel";

const route = getRouteApi("/alerts/$alertId");

/** Alert details: where the alert went, the states of its deliveries, and the alert itself. */
export function AlertPage() {
  const { alertId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(alertQuery(alertId));
  const error = useLastError(query);
  const crumb = (
    <nav aria-label="Breadcrumb" className={classes.crumb}>
      <Link to="/alerts">Alerts</Link>
    </nav>
  );
  if (query.data === undefined && error !== null && asProblem(error).code === "not_found") {
    return (
      <>
        {crumb}
        <PageHead title="No such alert" />
        <Empty title="There is no alert with this ID">
          <CopyId id={alertId} what="alert ID" />
          <p>It may never have been accepted, or it was older than alerts are kept.</p>
        </Empty>
      </>
    );
  }
  return (
    <>
      {crumb}
      <PageHead title={query.data?.alert.title ?? "Alert"} />
      <Loaded query={query} what="The alert" lines={12}>
        {(details) => (
          <div className={classes.stack}>
            <AlertFacts alert={details.alert} />
            <DeliveryStatusPanel
              details={details}
              open={search}
              onOpen={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
            />
            <AlertContent details={details} />
          </div>
        )}
      </Loaded>
    </>
  );
}

/** What an alert is, in a line. */
function AlertFacts({ alert }: { alert: Alert }) {
  const otherOrigin = !alert.link.startsWith(`${window.location.origin}/`);
  return (
    <div className={classes.facts}>
      <SeverityMark severity={alert.severity} />
      <span>{alertTypeWord[alert.type]}</span>
      {alert.logTypes.length > 0 && <span>{alert.logTypes.map(isolated).join(", ")}</span>}
      <span>
        <span className="dim">Accepted</span> <Time at={alert.acceptedAt} />
      </span>
      <span className={classes.id}>
        <span className="dim">Alert</span> <CopyId id={alert.alertId} what="alert ID" />
      </span>
      {otherOrigin && (
        <a href={alert.link} target="_blank" rel="noreferrer noopener">
          Open at its source
        </a>
      )}
    </div>
  );
}
