import { QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { newQueryClient } from "./queryClient";
import { useAction } from "./useAction";

function Button({ call }: { call: () => Promise<void> }) {
  const action = useAction({ mutationFn: call });
  return (
    <button type="button" onClick={() => action.mutate()}>
      {action.isError ? "Failed" : action.isPending ? "Under way" : "Go"}
    </button>
  );
}

test("what is asked for twice at once is done once, and can be asked for again when it is over", async () => {
  const calls: ((error: Error) => void)[] = [];
  const call = () => new Promise<void>((_, reject) => calls.push(reject));
  render(
    <QueryClientProvider client={newQueryClient()}>
      <Button call={call} />
    </QueryClientProvider>,
  );
  const button = screen.getByRole("button");
  const press = () => act(async () => button.click());
  await act(async () => {
    button.click();
    button.click(); // before React has drawn that it is under way
  });
  await press();
  expect([calls.length, button.textContent]).toEqual([1, "Under way"]);
  await act(async () => calls[0]?.(new Error("no")));
  expect(await screen.findByText("Failed")).toBeTruthy();
  await press();
  await press();
  expect(calls).toHaveLength(2);
});
