import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { client, unwrap } from "../api/client";
import { deliveryStatuses } from "../api/types";
import { Loaded } from "../parts/Loaded";
import { PageHead } from "../parts/PageHead";
import { Panel } from "../parts/Panel";
import { statusWord } from "../words/status";

const countsQuery = queryOptions({
  queryKey: ["counts", "all"],
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/v1/deliveries/counts", { signal })),
});

/** How things are. */
export function OverviewPage() {
  const query = useQuery(countsQuery);
  return (
    <>
      <PageHead title="Overview" />
      <Panel title="Deliveries by status">
        <Loaded query={query} what="The counts">
          {(counts) => (
            <ul>
              {deliveryStatuses.map((s) => (
                <li key={s}>
                  <Link to="/alerts" search={{ status: [s] }}>
                    {statusWord[s]}
                  </Link>{" "}
                  {counts[s].toLocaleString()}
                  {counts.capped ? " or more" : ""}
                </li>
              ))}
            </ul>
          )}
        </Loaded>
      </Panel>
    </>
  );
}
