import { Skeleton, Stack } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useLastError } from "./lastError";
import { ProblemAlert } from "./ProblemAlert";

/**
 * What a query has: a skeleton while it loads, the error with a way to try again, else its data. Data that is there
 * stays when a later read fails; then both are shown, so that nobody takes the old for the new.
 */
export function Loaded<T>({
  query,
  what,
  lines = 4,
  children,
}: {
  query: UseQueryResult<T>;
  /** Names it in the error: "The alert". */
  what: string;
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  const error = useLastError(query);
  const [retrying, setRetrying] = useState(false);
  const retry = () => {
    setRetrying(true);
    void query.refetch().finally(() => setRetrying(false));
  };
  if (query.data === undefined) {
    return error === null ? (
      <SkeletonLines lines={lines} />
    ) : (
      <ProblemAlert title={`${what} could not be loaded`} error={error} retry={retry} retrying={retrying} />
    );
  }
  return (
    <>
      {query.isError && (
        <ProblemAlert
          title={`${what} could not be brought up to date`}
          error={error}
          retry={retry}
          retrying={retrying}
        />
      )}
      {children(query.data)}
    </>
  );
}

/** What is shown where text is still to come. */
export function SkeletonLines({ lines }: { lines: number }) {
  return (
    <Stack gap={10} role="status" aria-label="Loading" py={4}>
      {Array.from({ length: lines }, (_, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <Skeleton key={n} height={14} width={`${90 - ((n * 17) % 40)}%`} radius={3} />
      ))}
    </Stack>
  );
}
