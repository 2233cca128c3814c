import { Button } from "@mantine/core";
import { IconPencil, IconPlayerPause, IconPlayerPlay, IconSend } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { destinationQuery, destinationTypesQuery, healthQuery } from "../../../api/destinations";
import { useMayNot } from "../../../api/session";
import type { Destination } from "../../../api/types";
import { Time } from "../../../time/Time";
import { ActionButton } from "../../../ui/act/ActionButton";
import { CopyId } from "../../../ui/code/CopyId";
import { Loaded } from "../../../ui/page/Loaded";
import { useLastError } from "../../../ui/page/lastError";
import { PageHead } from "../../../ui/page/PageHead";
import { Panel } from "../../../ui/page/Panel";
import { type DestinationDialog, DestinationDialogs } from "../dialogs/DestinationDialogs";
import { placeOf } from "../fields/settings";
import { HealthBanners } from "../health/HealthBanners";
import { HealthChip } from "../health/HealthChip";
import { HealthPanel } from "../health/HealthPanel";
import { HeldPanel } from "../health/HeldPanel";
import { healthStatusesOf } from "../health/health";
import { DestinationMenu } from "../list/DestinationMenu";
import { AuditPanel } from "./AuditPanel";
import { ConfigurationPanel } from "./ConfigurationPanel";
import classes from "./DestinationPage.module.css";
import { isGone, NoSuchDestination } from "./NoSuchDestination";
import { RecentPanel } from "./RecentPanel";

const route = getRouteApi("/destinations/$destinationId");

/** Destination details: how it does, what waits for it, what was sent to it, and how it is set up. */
export function DestinationPage() {
  const { destinationId } = route.useParams();
  const query = useQuery(destinationQuery(destinationId));
  const error = useLastError(query);
  const { data: types } = useQuery(destinationTypesQuery); // without it the page shows less
  const typeOf = (d: Destination) => types?.find((t) => t.type === d.type);
  const health = useQuery(healthQuery(destinationId));
  const [dialog, setDialog] = useState<DestinationDialog>();
  if (isGone(error)) {
    return <NoSuchDestination id={destinationId} />;
  }
  const destination = query.data;
  return (
    <>
      <nav aria-label="Breadcrumb" className={classes.crumb}>
        <Link to="/destinations">Alert Destinations</Link>
      </nav>
      <PageHead title={destination?.displayName ?? "Destination"}>
        {destination && <Actions destination={destination} onOpen={setDialog} />}
      </PageHead>
      <Loaded query={query} what="The destination" lines={12}>
        {(d) => (
          <div className={classes.stack}>
            <div className={classes.facts}>
              {healthStatusesOf(d, health.data).map((s) => (
                <HealthChip key={s} status={s} />
              ))}
              <span>{typeOf(d)?.name ?? d.type}</span>
              {placeOf(d, typeOf(d)) && <span className="mono">{placeOf(d, typeOf(d))}</span>}
              <span>
                <span className="dim">Changed</span> <Time at={d.updatedAt} />
              </span>
              <span className={classes.id}>
                <span className="dim">Destination</span> <CopyId id={d.id} what="destination ID" />
              </span>
            </div>
            <HealthBanners destination={d} health={health.data} onOpen={setDialog} />
            <div className={classes.columns}>
              <div className={classes.column}>
                <Panel title="Health">
                  <Loaded query={health} what="Its health" lines={8}>
                    {(h) => <HealthPanel health={h} />}
                  </Loaded>
                </Panel>
                <RecentPanel destination={d} />
              </div>
              <div className={classes.column}>
                <Panel title="Held deliveries">
                  <Loaded query={health} what="What is held" lines={3}>
                    {(h) => <HeldPanel destination={d} held={h.held} onOpen={setDialog} />}
                  </Loaded>
                </Panel>
                <ConfigurationPanel destination={d} type={typeOf(d)} onOpen={setDialog} />
                <AuditPanel destinationId={d.id} />
              </div>
            </div>
            <DestinationDialogs destination={d} open={dialog} onClose={() => setDialog(undefined)} />
          </div>
        )}
      </Loaded>
    </>
  );
}

function Actions({
  destination: d,
  onOpen,
}: {
  destination: Destination;
  onOpen: (dialog: DestinationDialog) => void;
}) {
  const mayNotOperate = useMayNot("operate");
  const mayNotAdmin = useMayNot("admin");
  const navigate = route.useNavigate();
  const paused = d.state === "paused";
  return (
    <>
      <ActionButton
        mayNot={mayNotOperate}
        leftSection={<IconSend size={14} aria-hidden />}
        onClick={() => onOpen("test")}
      >
        Send Test Alert
      </ActionButton>
      <ActionButton
        mayNot={mayNotOperate}
        leftSection={paused ? <IconPlayerPlay size={14} aria-hidden /> : <IconPlayerPause size={14} aria-hidden />}
        onClick={() => onOpen(paused ? "resume" : "pause")}
      >
        {paused ? "Resume" : "Pause"}
      </ActionButton>
      {mayNotAdmin === undefined ? (
        <Button
          variant="default"
          leftSection={<IconPencil size={14} aria-hidden />}
          renderRoot={(props) => (
            <Link {...props} to="/destinations/$destinationId/edit" params={{ destinationId: d.id }} />
          )}
        >
          Edit
        </Button>
      ) : (
        <ActionButton mayNot={mayNotAdmin} onClick={() => void navigate({ to: "." })}>
          Edit
        </ActionButton>
      )}
      <DestinationMenu destination={d} />
    </>
  );
}
