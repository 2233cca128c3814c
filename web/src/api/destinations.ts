import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import type { components } from "./schema.gen";
import type { Destination } from "./types";

type Schemas = components["schemas"];

export type DestinationInput = Schemas["DestinationInput"];
export type DestinationPatch = Schemas["DestinationPatch"];
export type SettingsTestInput = Schemas["SettingsTestInput"];
export type TestInput = Schemas["TestInput"];

/** Every destination, by name. There are few: filters and forms want all of them. */
export const destinationsQuery = queryOptions({
  queryKey: ["destinations"],
  queryFn: async ({ signal }) => {
    const all: Destination[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; cursor?: string } = cursor === null ? { limit: 200 } : { limit: 200, cursor };
      const page = unwrap(await client.GET("/api/v1/destinations", { params: { query }, signal }));
      all.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return all;
  },
});

export const destinationQuery = (id: string) =>
  queryOptions({
    queryKey: ["destinations", id],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/destinations/{id}", { params: { path: { id } }, signal })),
  });

/** What each type of destination asks for. Only another version of the server has others. */
export const destinationTypesQuery = queryOptions({
  queryKey: ["destination-types"],
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/v1/destination-types", { signal })).items,
  staleTime: 10 * 60_000,
});

// What attempts change has a key of its own, ["health", …]: the destination itself stays as it is meanwhile.

/** How every destination does. */
export const healthListQuery = queryOptions({
  queryKey: ["health"],
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/v1/destinations/health", { signal })).items,
  refetchInterval: 30_000, // what is a day old drops out without an event
});

/** How every destination did hour by hour. Apart from how they do, which is read again with each event: hours are not. */
export const historiesQuery = queryOptions({
  queryKey: ["history"],
  queryFn: async ({ signal }) => {
    const query = { history: true };
    const { items } = unwrap(await client.GET("/api/v1/destinations/health", { params: { query }, signal }));
    return new Map(items.map((h) => [h.destinationId, h.history ?? []]));
  },
  refetchInterval: 60_000,
});

/** How one destination does, and did hour by hour. */
export const healthQuery = (id: string) =>
  queryOptions({
    queryKey: ["health", id],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/destinations/{id}/health", { params: { path: { id } }, signal })),
    refetchInterval: 30_000,
  });

/** How many of a destination's deliveries have each status. */
export const destinationCountsQuery = (id: string) =>
  queryOptions({
    queryKey: ["counts", "destination", id],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/deliveries/counts", { params: { query: { destinationId: [id] } }, signal })),
  });

/** How many alerts named a destination lately. */
export const namingQuery = (id: string) =>
  queryOptions({
    queryKey: ["naming", id],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/destinations/{id}/naming", { params: { path: { id } }, signal })),
    staleTime: 10_000,
  });

/** What alerts of the last 24 hours named that nobody has. */
export const unknownDestinationsQuery = queryOptions({
  queryKey: ["destinations", "unknown"], // who is given such a name has it
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/v1/unknown-destinations", { signal })),
  refetchInterval: 30_000,
});

/** A destination's newest deliveries. */
export const recentDeliveriesQuery = (id: string) =>
  queryOptions({
    queryKey: ["recent", id],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/deliveries", { params: { query: { destinationId: [id], limit: 10 } }, signal }))
        .items,
  });

/** Who changed a destination, newest first. */
export const destinationAuditQuery = (id: string, limit: number) =>
  queryOptions({
    queryKey: ["destinations", id, "audit", limit],
    queryFn: async ({ signal }) =>
      unwrap(
        await client.GET("/api/v1/audit", {
          params: { query: { subjectType: "destination", subjectId: id, limit } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });

export async function createDestination(body: DestinationInput) {
  return unwrap(await client.POST("/api/v1/destinations", { body }));
}

/** Changes a destination, unless it is no longer at the version that the person saw: then 412. */
export async function patchDestination(id: string, version: number, body: DestinationPatch) {
  return unwrap(
    await client.PATCH("/api/v1/destinations/{id}", {
      params: { path: { id }, header: { "If-Match": etagOf(version) } },
      body,
    }),
  );
}

export async function deleteDestination(id: string) {
  return unwrap(await client.DELETE("/api/v1/destinations/{id}", { params: { path: { id } } }));
}

export async function pauseDestination(id: string) {
  return unwrap(await client.POST("/api/v1/destinations/{id}/pause", { params: { path: { id } } }));
}

/** Releases what the pause held or, with `discard`, cancels all that is open. */
export async function resumeDestination(id: string, discard: boolean) {
  return unwrap(await client.POST("/api/v1/destinations/{id}/resume", { params: { path: { id } }, body: { discard } }));
}

export async function testDestination(id: string, body: TestInput) {
  return unwrap(await client.POST("/api/v1/destinations/{id}/test", { params: { path: { id } }, body })).attempt;
}

/** Tests settings that are not saved. */
export async function testSettings(body: SettingsTestInput) {
  return unwrap(await client.POST("/api/v1/destinations/test", { body })).attempt;
}

export async function rotateSigningSecret(id: string, keepPreviousForSeconds: number) {
  return unwrap(
    await client.POST("/api/v1/destinations/{id}/signing-secret", {
      params: { path: { id } },
      body: { keepPreviousForSeconds },
    }),
  );
}

function etagOf(version: number): string {
  return `"${version}"`;
}
