import { Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { readinessQuery, serverQuery } from "../../api/server";
import type { ServerFacts } from "../../api/types";
import { Time } from "../../time/Time";
import { parseWait, span } from "../../time/words";
import { CopyId } from "../../ui/code/CopyId";
import { Loaded } from "../../ui/page/Loaded";
import { Panel } from "../../ui/page/Panel";
import classes from "./settings.module.css";

const seconds = (n: number) => span(n * 1_000);

/** How the server is and how it is set up. A replica that dies is seen to. */
export function ServerPanels() {
  const query = useQuery({ ...serverQuery, staleTime: 0, refetchInterval: 5_000 });
  const readiness = useQuery(readinessQuery);
  return (
    <Stack gap="md">
      <Panel title="Replicas">
        <Loaded query={query} what="The server’s facts">
          {(server) => <Replicas server={server} />}
        </Loaded>
      </Panel>
      <Panel title="Checks">
        <Loaded query={readiness} what="The checks" lines={3}>
          {({ checks }) => (
            <dl className={classes.facts}>
              {checks.map((c) => (
                <Fact key={c.name} name={c.name}>
                  <span className={c.ok ? classes.ok : classes.bad}>{c.ok ? "✓ OK" : "✗ Not ready"}</span>{" "}
                  <span className="dim">{c.detail}</span>
                </Fact>
              ))}
            </dl>
          )}
        </Loaded>
      </Panel>
      <Panel title="Setup" aside="From the variables that the server was started with">
        <Loaded query={query} what="The server’s facts" lines={7}>
          {(server) => <Setup server={server} />}
        </Loaded>
      </Panel>
    </Stack>
  );
}

function Replicas({ server }: { server: ServerFacts }) {
  return (
    <table className={classes.table} role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col">Replica</th>
          <th scope="col">Roles</th>
          <th scope="col">Version</th>
          <th scope="col">Started</th>
          <th scope="col">Last seen</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {server.replicas.map((r) => (
          <tr key={r.id} role="row">
            <td role="cell">
              <CopyId id={r.id} what="replica ID" />
            </td>
            <td role="cell">{r.roles.join(", ")}</td>
            <td role="cell" className="mono">
              {r.version}
            </td>
            <td role="cell">
              <span className={classes.label}>Started </span>
              <Time at={r.startedAt} />
            </td>
            <td role="cell">
              <span className={r.alive ? classes.ok : classes.bad}>{r.alive ? "Alive" : "Silent"}</span>{" "}
              <span className="dim">
                <Time at={r.seenAt} ago />
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Setup({ server }: { server: ServerFacts }) {
  const waits = server.retryWaits.map(parseWait);
  const all = waits.reduce((sum, wait) => sum + wait, 0);
  return (
    <dl className={classes.facts}>
      <Fact name="Version">
        <span className="mono">{server.version}</span>, running since <Time at={server.startedAt} />
        {server.commit !== null && (
          <div className="dim">
            Commit <span className="mono">{server.commit.slice(0, 12)}</span>
            {server.buildDate !== null && (
              <>
                , built <Time at={server.buildDate} />
              </>
            )}
          </div>
        )}
      </Fact>
      <Fact name="Retry waits">
        {server.retryWaits.length === 0 ? "No retries: each run has one try." : server.retryWaits.join(", ")}
        {all > 0 && (
          <div className="dim">
            One try and up to {waits.length} retries, over about {span(all)}. Each wait is up to 10 % longer.
          </div>
        )}
      </Fact>
      <Fact name="Time for an attempt">{seconds(server.attemptTimeout)}</Fact>
      <Fact name="Held as failing">up to {seconds(server.failingMaxAge)}, then the delivery fails as expired</Fact>
      <Fact name="Retention">
        {server.retention === null
          ? "for ever"
          : `${seconds(server.retention)} after the last of an alert’s deliveries is final`}
      </Fact>
      <Fact name="Networks allowed">
        {server.allowedNetworks.length === 0 ? (
          "None besides public addresses."
        ) : (
          <>
            {server.allowedNetworks.map((n) => (
              <span key={n} className={`mono ${classes.network}`}>
                {n}
              </span>
            ))}
            <div className="dim">Not public, but Belfry may call them.</div>
          </>
        )}
      </Fact>
      <Fact name="Sessions last">
        {seconds(server.sessionLength)} at most, and {seconds(server.sessionIdle)} without being used
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
