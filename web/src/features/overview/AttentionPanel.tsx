import {
  IconAlertTriangle,
  IconCircleCheck,
  IconPlayerPause,
  IconPlugConnectedX,
  IconRouteOff,
  IconTool,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { healthListQuery, unknownDestinationsQuery } from "../../api/destinations";
import type { Destination, DestinationHealth, LastFailure } from "../../api/types";
import { Time } from "../../time/Time";
import { Loaded } from "../../ui/page/Loaded";
import { Panel } from "../../ui/page/Panel";
import { isolated } from "../../words/bidi";
import { countWord } from "../../words/count";
import { revealed } from "../../words/reveal";
import { outcomeWord } from "../../words/status";
import { countsOf } from "../deliveries/list/StatusCounts";
import { failedLastDay } from "../deliveries/list/search";
import classes from "./AttentionPanel.module.css";
import { type Attention, attentionOf, heldWord } from "./attention";

/** What needs someone, worst first, each with the way to where one acts. */
export function AttentionPanel({ destinations }: { destinations: readonly Destination[] }) {
  const health = useQuery(healthListQuery);
  const counts = useQuery(countsOf(failedLastDay));
  const unknown = useQuery(unknownDestinationsQuery);
  return (
    <Panel title="Needs attention" flush>
      <div className={classes.body}>
        <Loaded query={health} what="The health of the destinations">
          {(healths) => (
            <Loaded query={counts} what="The counts" lines={2}>
              {({ failed }) => (
                <Loaded query={unknown} what="The names that nobody has" lines={2}>
                  {(names) => <Items items={attentionOf(destinations, healths, failed, names)} />}
                </Loaded>
              )}
            </Loaded>
          )}
        </Loaded>
      </div>
    </Panel>
  );
}

function Items({ items }: { items: readonly Attention[] }) {
  if (items.length === 0) {
    return (
      <p className={classes.calm}>
        <IconCircleCheck size={18} aria-hidden className={classes.calmIcon} />
        Nothing. No destination keeps failing, and in the last 24 hours no delivery failed and no alert named a
        destination that does not exist.
      </p>
    );
  }
  return (
    <ul className={classes.items}>
      {items.map((item) => (
        <li key={keyOf(item)} data-row>
          <Item item={item} />
        </li>
      ))}
    </ul>
  );
}

function keyOf(item: Attention): string {
  switch (item.kind) {
    case "failed":
    case "moreUnknown":
      return item.kind;
    case "unknown":
      return `unknown ${item.name}`;
    default:
      return `${item.kind} ${item.destination.id}`;
  }
}

function Item({ item }: { item: Attention }) {
  switch (item.kind) {
    case "failed":
      return (
        <Line
          kind={item.kind}
          title={
            <Link to="/deliveries" search={failedLastDay}>
              {countWord(item)} {item.count === 1 ? "delivery" : "deliveries"} failed in the last 24 h
            </Link>
          }
        >
          All their tries are used, they were rejected for good, or they waited too long. Re-send them once their
          destination is well.
        </Line>
      );
    case "unknown":
      return (
        <Line
          kind={item.kind}
          title={
            <>
              No destination is called{" "}
              <Link to="/alerts" search={{ unknown: item.name, last: "24h" }}>
                {isolated(revealed(item.name))}
              </Link>
            </>
          }
        >
          <span>
            {countWord(item)} {item.count === 1 ? "alert" : "alerts"} of the last 24 h named it
          </span>
          <Since at={item.since} />
          <span>Correct it where the alerts come from, or give a destination this name. Then send the alerts.</span>
        </Line>
      );
    case "moreUnknown":
      return (
        <Line
          kind={item.kind}
          title={
            <Link to="/alerts" search={{ unrouted: "true", last: "24h" }}>
              {item.count.toLocaleString()} more {item.count === 1 ? "name" : "names"} that no destination has
            </Link>
          }
        >
          Alerts of the last 24 h named them.
        </Line>
      );
    case "held":
      return (
        <Line kind={item.kind} state={item.state} title={<Name of={item.destination}>{`is ${item.state}`}</Name>}>
          <Held id={item.destination.id} reason="failing" count={item.held} />
          <Since at={item.since} />
          <Last of={item.last} />
        </Line>
      );
    case "misconfigured":
      return (
        <Line kind={item.kind} title={<Name of={item.destination}>has settings that cannot be used</Name>}>
          <Held id={item.destination.id} reason="misconfigured" count={item.held} />
          <span>Enter its settings again, and they go out.</span>
        </Line>
      );
    case "failing":
      return (
        <Line kind={item.kind} state={item.state} title={<Name of={item.destination}>{`is ${item.state}`}</Name>}>
          <span>{item.inARow.toLocaleString()} attempts in a row</span>
          <Since at={item.since} />
          <Last of={item.last} />
        </Line>
      );
    case "paused":
      return (
        <Line kind={item.kind} title={<Name of={item.destination}>is paused</Name>}>
          <Held id={item.destination.id} reason="paused" count={item.held} />
          <span>They go out when it is resumed.</span>
        </Line>
      );
  }
}

const icons: Record<Attention["kind"], typeof IconTool> = {
  held: IconAlertTriangle,
  misconfigured: IconTool,
  unknown: IconRouteOff,
  moreUnknown: IconRouteOff,
  failed: IconAlertTriangle,
  failing: IconAlertTriangle,
  paused: IconPlayerPause,
};

function Line({
  kind,
  state,
  title,
  children,
}: {
  kind: Attention["kind"];
  state?: DestinationHealth["state"];
  title: ReactNode;
  children: ReactNode;
}) {
  const Icon = state === "unreachable" ? IconPlugConnectedX : icons[kind];
  return (
    <div className={classes.line}>
      <Icon size={17} aria-hidden className={classes.icon} data-kind={kind} />
      <div>
        <div className={classes.title}>{title}</div>
        <div className={classes.facts}>{children}</div>
      </div>
    </div>
  );
}

function Name({ of, children }: { of: { id: string; name: string }; children: string }) {
  return (
    <>
      <Link to="/destinations/$destinationId" params={{ destinationId: of.id }}>
        {isolated(of.name)}
      </Link>{" "}
      {children}
    </>
  );
}

function Since({ at }: { at: string | null }) {
  return (
    at !== null && (
      <span>
        since <Time at={at} />, <Time at={at} ago />
      </span>
    )
  );
}

function Held({ id, reason, count }: { id: string; reason: "failing" | "misconfigured" | "paused"; count: number }) {
  return (
    <Link to="/deliveries" search={{ status: ["held"], reason: [reason], destination: [id] }}>
      {heldWord(count)} held
    </Link>
  );
}

function Last({ of }: { of: LastFailure | null }) {
  return (
    of !== null && (
      <span>
        last <span className={classes.outcome}>{outcomeWord(of.class, of.statusCode)}</span>
        {of.error !== null && `: ${isolated(of.error)}`}
      </span>
    )
  );
}
