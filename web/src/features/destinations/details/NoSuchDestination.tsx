import { Link } from "@tanstack/react-router";
import { asProblem } from "../../../api/problem";
import { isId } from "../../../app/search";
import { CopyId } from "../../../ui/code/CopyId";
import { Empty } from "../../../ui/page/Empty";
import { PageHead } from "../../../ui/page/PageHead";

/** Whether the destination is known not to be there: never was, or was deleted, maybe while it was shown. */
export function isGone(error: unknown): boolean {
  const { code, status } = asProblem(error);
  return error !== null && (code === "not_found" || status === 400); // nothing but the ID can be malformed
}

export function NoSuchDestination({ id }: { id: string }) {
  return (
    <>
      <Link to="/destinations">Alert Destinations</Link>
      <PageHead title="No such destination" />
      <Empty title="There is no destination with this ID">
        <CopyId id={id} what="destination ID" />
        {isId(id) && (
          <p>
            It may have been deleted. What was sent to it is still there:{" "}
            <Link to="/deliveries" search={{ destination: [id] }}>
              its deliveries
            </Link>
            .
          </p>
        )}
      </Empty>
    </>
  );
}
