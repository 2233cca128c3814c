import { useQuery } from "@tanstack/react-query";
import { serverQuery } from "../api/server";
import { Loaded } from "../parts/Loaded";
import { PageHead } from "../parts/PageHead";
import { Panel } from "../parts/Panel";
import { Time } from "../time/Time";

/** How the server is set up. */
export function SettingsPage() {
  const query = useQuery(serverQuery);
  return (
    <>
      <PageHead title="Settings" />
      <Panel title="Server">
        <Loaded query={query} what="The server’s facts">
          {(server) => (
            <p>
              Version {server.version}, started <Time at={server.startedAt} />. Retries wait{" "}
              {server.retryWaits.join(", ")}.
            </p>
          )}
        </Loaded>
      </Panel>
    </>
  );
}
