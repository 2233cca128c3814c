import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { destinationQuery, destinationsQuery, destinationTypesQuery } from "../../../api/destinations";
import { useMayNot } from "../../../api/session";
import { Empty } from "../../../ui/page/Empty";
import { Loaded } from "../../../ui/page/Loaded";
import { useLastError } from "../../../ui/page/lastError";
import { PageHead } from "../../../ui/page/PageHead";
import { isolated } from "../../../words/bidi";
import classes from "../add/NewDestinationPage.module.css";
import { isGone, NoSuchDestination } from "../details/NoSuchDestination";
import { lackedKey } from "../fields/settings";
import { EditForm } from "./EditForm";

const route = getRouteApi("/destinations/$destinationId/edit");

/** Changes a destination. */
export function EditDestinationPage() {
  const { destinationId } = route.useParams();
  const query = useQuery(destinationQuery(destinationId));
  const error = useLastError(query);
  const types = useQuery(destinationTypesQuery);
  const { data: all = [] } = useQuery(destinationsQuery);
  const mayNot = useMayNot("admin");
  if (isGone(error)) {
    return <NoSuchDestination id={destinationId} />;
  }
  const name = isolated(query.data?.displayName ?? "Destination");
  return (
    <>
      <nav aria-label="Breadcrumb" className={classes.crumb}>
        <Link to="/destinations">Alert Destinations</Link> /{" "}
        <Link to="/destinations/$destinationId" params={{ destinationId }}>
          {name}
        </Link>
      </nav>
      <PageHead title={`Edit ${name}`} />
      {mayNot === undefined ? (
        <Loaded query={query} what="The destination" lines={12}>
          {(d) => (
            <Loaded query={types} what="The types of destinations" lines={12}>
              {(known) => {
                // The form would ask for all of them again, and replace what other servers use.
                const lacked = lackedKey(d);
                if (lacked !== undefined) {
                  return <Empty title="This destination cannot be changed here">{lacked}</Empty>;
                }
                const type = known.find((t) => t.type === d.type);
                return type === undefined ? (
                  <Empty title="This destination cannot be changed here">
                    Its type, {d.type}, is not known to this version of Belfry.
                  </Empty>
                ) : (
                  <EditForm
                    key={destinationId}
                    type={type}
                    now={d}
                    others={all.filter((other) => other.id !== destinationId)}
                  />
                );
              }}
            </Loaded>
          )}
        </Loaded>
      ) : (
        <Empty title="You cannot change this destination">{mayNot}</Empty>
      )}
    </>
  );
}
