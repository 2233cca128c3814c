import { type UseMutationOptions, useMutation } from "@tanstack/react-query";
import { useCallback, useLayoutEffect, useRef } from "react";

/**
 * Something that a person asks the server to do. Whatever changes anything goes through here: asked for again while it
 * is under way, it does nothing. That a button is shown as loading is not enough: the second click of a double click,
 * or Enter beside it, can come before the page is drawn anew.
 */
export function useAction<Data, Variables = void, Context = unknown>(
  options: UseMutationOptions<Data, Error, Variables, Context>,
) {
  const { mutateAsync: _unguarded, mutate, ...state } = useMutation(options);
  const underWay = useRef(false);
  // Not let go before what came of it is on the page: until then the button is still there to be pressed.
  useLayoutEffect(() => {
    underWay.current = state.isPending;
  });
  const once = useCallback(
    (...args: Parameters<typeof mutate>) => {
      if (!underWay.current) {
        underWay.current = true;
        mutate(...args);
      }
    },
    [mutate],
  );
  return { ...state, mutate: once };
}
