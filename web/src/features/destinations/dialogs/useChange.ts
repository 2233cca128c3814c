import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import type { Destination } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { useAnnounce } from "../../../ui/act/Announcer";

/**
 * Something that a person does with a destination. What the server answers is shown at once; what hangs on it is read
 * again.
 */
export function useChange<Answer>(
  id: string,
  call: () => Promise<Answer>,
  then: (answer: Answer) => void,
  said: string,
) {
  const queries = useQueryClient();
  const announce = useAnnounce();
  return useAction({
    mutationFn: call,
    onSuccess: (answer) => {
      announce(said);
      then(answer);
    },
    onSettled: () => readAgain(queries, id),
  });
}

/** Puts a destination as the server answered it where it is shown. */
export function showDestination(queries: QueryClient, d: Destination): void {
  queries.setQueryData(["destinations", d.id], d);
  queries.setQueryData<Destination[]>(["destinations"], (all) => all?.map((one) => (one.id === d.id ? d : one)));
}

/** Reads again what a change to a destination touches. */
export function readAgain(queries: QueryClient, id: string): void {
  for (const key of [["destinations"], ["health"], ["counts"], ["recent", id], ["route"]]) {
    void queries.invalidateQueries({ queryKey: key });
  }
}
