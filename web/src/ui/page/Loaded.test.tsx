import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Loaded } from "./Loaded";

test("what failed to load says so until there is something else to say", async () => {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  let answer = pending();
  render(
    <QueryClientProvider client={queries}>
      <MantineProvider>
        <Page read={() => answer.promise} />
      </MantineProvider>
    </QueryClientProvider>,
  );
  expect(screen.getByRole("status", { name: "Loading" })).toBeTruthy();
  answer.reject(new TypeError("no answer"));
  expect(await screen.findByText("It could not be loaded")).toBeTruthy();

  answer = pending();
  act(() => void queries.invalidateQueries());
  await screen.findByText("It could not be loaded"); // and no skeleton, while it is read again
  expect(screen.queryByRole("status", { name: "Loading" })).toBeNull();
  answer.resolve("Here it is");
  expect(await screen.findByText("Here it is")).toBeTruthy();
  expect(screen.queryByText("It could not be loaded")).toBeNull();
});

function Page({ read }: { read: () => Promise<string> }) {
  const query = useQuery({ queryKey: ["it"], queryFn: read });
  return (
    <Loaded query={query} what="It">
      {(data) => <p>{data}</p>}
    </Loaded>
  );
}

/** An answer that comes when the test says so. */
function pending() {
  let resolve: (text: string) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<string>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
