import { expect, test } from "vitest";
import type { Destination, DestinationHealth } from "../../../api/types";
import { sampleDestination } from "../sample";
import { destinationsSearch, type ListedDestination, select } from "./search";

const listed = (
  displayName: string,
  change: Partial<Destination> = {},
  health: Partial<DestinationHealth> = {},
): ListedDestination => ({
  destination: {
    ...sampleDestination,
    id: `id-${displayName}`,
    displayName,
    severities: ["HIGH"],
    logTypes: [],
    settings: { url: "https://hooks.example.com", headers: [] },
    ...change,
  },
  health: {
    destinationId: `id-${displayName}`,
    state: "healthy",
    heldSince: null,
    failingSince: null,
    consecutiveFailures: 0,
    lastAckAt: null,
    lastFailure: null,
    nextProbeAt: null,
    slowUntil: null,
    inFlight: { now: 0, limit: 16, ceiling: 128, loweredAt: null, loweredBecause: null },
    held: { paused: 0, failing: 0, our_side: 0, busy: 0, misconfigured: 0 },
    lastHour: { attempts: 0, acked: 0, failed: 0, successRate: null, p50Ms: null, p95Ms: null },
    lastDay: { attempts: 0, acked: 0, failed: 0, successRate: null, p50Ms: null, p95Ms: null },
    ...health,
  },
});

const all = [
  listed("Ticketing", { severities: ["LOW"], logTypes: ["AWS.CloudTrail"] }),
  listed("archive", { state: "paused" }, { held: { paused: 7, failing: 0, our_side: 0, busy: 0, misconfigured: 0 } }),
  listed("SOAR", { updatedAt: "2026-03-03T12:00:00Z" }, { state: "failing" }),
];

const names = (search: Parameters<typeof select>[1]) => select(all, search).map((l) => l.destination.displayName);

test("the URL keeps what makes sense", () => {
  expect(
    destinationsSearch({ q: "soar", health: "failing,nonsense", severity: ["LOW", "HIGH"], sort: "oops" }),
  ).toEqual({ q: "soar", health: ["failing"], severity: ["HIGH", "LOW"] });
});

test("destinations are found by name, host, id and log type, and by what they take and their health", () => {
  expect(names({})).toEqual(["archive", "SOAR", "Ticketing"]);
  expect(names({ q: "soa" })).toEqual(["SOAR"]);
  expect(names({ q: "hooks.example" })).toHaveLength(3);
  expect(names({ q: "id-archive" })).toEqual(["archive"]);
  expect(names({ q: "cloudtrail" })).toEqual(["Ticketing"]);
  expect(names({ severity: ["LOW"] })).toEqual(["Ticketing"]);
  expect(names({ health: ["paused", "failing"] })).toEqual(["archive", "SOAR"]);
  expect(names({ type: ["POLICY"] })).toEqual([]);
});

test("destinations are ordered by what asks for someone", () => {
  expect(names({ sort: "trouble" })).toEqual(["SOAR", "archive", "Ticketing"]);
  expect(names({ sort: "held" })).toEqual(["archive", "SOAR", "Ticketing"]);
  expect(names({ sort: "changed" })).toEqual(["SOAR", "archive", "Ticketing"]);
});

test("a destination without known health is listed all the same", () => {
  const bare = all.map(({ destination }) => ({ destination, health: undefined }));
  expect(select(bare, { sort: "trouble" })).toHaveLength(3);
});
