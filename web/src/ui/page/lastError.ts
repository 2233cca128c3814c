import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";

/**
 * What went wrong with a query, or null. A read that failed and has nothing to show is as if it had never been asked
 * for while it is tried again; its error stays here until there is something else to say.
 */
export function useLastError({
  data,
  error,
  errorUpdateCount,
}: Pick<UseQueryResult<unknown>, "data" | "error" | "errorUpdateCount">): unknown {
  const [last, setLast] = useState(error);
  if (error !== null && error !== last) {
    setLast(error);
  }
  return data === undefined && errorUpdateCount > 0 ? (error ?? last) : error;
}
