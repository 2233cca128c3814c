import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { newQueryClient } from "../../../api/queryClient";
import type { DeliveryCounts } from "../../../api/types";
import { countsOf, StatusCounts } from "./StatusCounts";

const exact = (count: number) => ({ count, capped: false });

function show(counts: Partial<DeliveryCounts>) {
  const none = exact(0);
  const queries = newQueryClient();
  queries.setQueryData(countsOf({}).queryKey, {
    queued: none,
    retrying: none,
    held: none,
    delivered: none,
    failed: none,
    cancelled: none,
    ...counts,
  });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <StatusCounts search={{}} onChange={() => {}} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

const chips = () => screen.getAllByRole("button").map((b) => b.textContent);

test("only a status of which there may be more has a plus", () => {
  show({ delivered: { count: 5000, capped: true }, failed: exact(26) });
  expect(chips()).toEqual(["26Failed", "0Held", "0Retrying", "0Queued", "0Cancelled", "5,000+Delivered"]);
  expect(screen.getByText(/may be too small/)).toBeTruthy();
});

test("exact counts need no note", () => {
  show({ failed: exact(26) });
  expect(chips()).toContain("26Failed");
  expect(screen.queryByText(/may be too small/)).toBeNull();
});
