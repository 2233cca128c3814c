import { Button, Stack } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { bulkResendsQuery } from "../../../api/bulkResends";
import { Empty } from "../../../ui/page/Empty";
import { Loaded } from "../../../ui/page/Loaded";
import { PageHead } from "../../../ui/page/PageHead";
import { failedLastDay } from "../list/search";
import { BulkCard } from "./BulkCard";

/** Every bulk re-send, newest first. */
export function BulkResendsPage() {
  const query = useInfiniteQuery(bulkResendsQuery);
  return (
    <>
      <nav aria-label="Breadcrumb">
        <Link to="/deliveries">Deliveries</Link>
      </nav>
      <PageHead title="Bulk re-sends" />
      <Loaded query={query} what="The bulk re-sends" lines={8}>
        {({ pages }) => {
          const bulks = pages.flatMap((p) => p.items);
          return bulks.length === 0 ? (
            <Empty title="No bulk re-sends yet">
              Select deliveries that failed, and re-send them together.{" "}
              <Link to="/deliveries" search={failedLastDay}>
                Failed in the last 24 h
              </Link>
            </Empty>
          ) : (
            <Stack gap="sm" mt="xs">
              {bulks.map((b) => (
                <BulkCard key={b.id} bulk={b} />
              ))}
              {query.hasNextPage && (
                <Button
                  variant="default"
                  mx="auto"
                  loading={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                >
                  Load more
                </Button>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </>
  );
}
