import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { destinationQuery } from "../api/destinations";
import { CopyId } from "../parts/CopyId";
import { Loaded } from "../parts/Loaded";
import { PageHead } from "../parts/PageHead";
import { Time } from "../time/Time";

const route = getRouteApi("/destinations/$destinationId");

/** One destination. */
export function DestinationPage() {
  const { destinationId } = route.useParams();
  const query = useQuery(destinationQuery(destinationId));
  return (
    <>
      <Link to="/destinations">Alert Destinations</Link>
      <PageHead title={query.data?.displayName ?? "Destination"} />
      <Loaded query={query} what="The destination">
        {(d) => (
          <p>
            Destination <CopyId id={d.id} what="destination ID" />, {d.settings.url}, changed <Time at={d.updatedAt} />
          </p>
        )}
      </Loaded>
    </>
  );
}
