import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { vi } from "vitest";
import { client } from "./api/client";
import { unreachable } from "./api/problem";
import { newQueryClient } from "./api/queryClient";
import { sessionKey } from "./api/session";
import { newRouter } from "./app/router";

/** Opens the console at a URL, for a test: someone is signed in who may do all, and nothing can be read. */
export function openPage(url: string) {
  vi.stubGlobal(
    "EventSource",
    class extends EventTarget {
      close() {}
    },
  );
  vi.stubGlobal("scrollTo", () => {});
  vi.spyOn(client, "GET").mockRejectedValue(unreachable());
  const queries = newQueryClient();
  queries.setQueryData(sessionKey, { name: "ada", scopes: ["admin"], expiresAt: null });
  const router = newRouter(queries);
  router.update({ ...router.options, history: createMemoryHistory({ initialEntries: [url] }) });
  render(
    <QueryClientProvider client={queries}>
      <MantineProvider>
        <RouterProvider router={router} />
      </MantineProvider>
    </QueryClientProvider>,
  );
  return router;
}
