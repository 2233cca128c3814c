import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { destinationsQuery } from "../api/destinations";
import { Empty } from "../parts/Empty";
import { Loaded } from "../parts/Loaded";
import { PageHead } from "../parts/PageHead";

/** Where alerts go. */
export function DestinationsPage() {
  const query = useQuery(destinationsQuery);
  return (
    <>
      <PageHead title="Alert Destinations" />
      <Loaded query={query} what="The destinations" lines={8}>
        {(destinations) =>
          destinations.length === 0 ? (
            <Empty title="No destinations yet">Alerts go nowhere until there is one.</Empty>
          ) : (
            <ul>
              {destinations.map((d) => (
                <li key={d.id}>
                  <Link to="/destinations/$destinationId" params={{ destinationId: d.id }}>
                    {d.displayName}
                  </Link>
                  {d.state === "paused" && " (paused)"}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}
