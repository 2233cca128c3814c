import { MantineProvider } from "@mantine/core";
import { act, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { StatusChip } from "./StatusChip";

afterEach(() => {
  vi.useRealTimers();
});

test("a retry counts down to its time, and then says that it is due", () => {
  vi.useFakeTimers({ now: Date.parse("2026-03-02T12:00:00Z") });
  render(<StatusChip delivery={{ status: "retrying", reason: null, dueAt: "2026-03-02T12:00:03Z" }} detail="503" />, {
    wrapper: MantineProvider,
  });
  expect(screen.getByText("Retrying in 3 s")).toBeTruthy();
  expect(screen.getByText("503")).toBeTruthy();
  act(() => vi.advanceTimersByTime(2_000));
  expect(screen.getByText("Retrying in 1 s")).toBeTruthy();
  act(() => vi.advanceTimersByTime(2_000));
  expect(screen.getByText("Retrying now")).toBeTruthy();
});

test("a status is a word, whatever its colour", () => {
  render(<StatusChip delivery={{ status: "held", reason: "paused", dueAt: null }} />, { wrapper: MantineProvider });
  expect(screen.getByText("Held: paused").closest("[title]")?.getAttribute("title")).toMatch(/resumed/);
});
