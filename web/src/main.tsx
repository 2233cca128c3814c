import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { newQueryClient } from "./api/queryClient";
import { newRouter } from "./app/router";
import { theme, variables } from "./app/theme";
import "./app/mantine";
import "./app/tokens.css";

const root = document.getElementById("root");
if (root === null) {
  throw new Error("index.html has no #root");
}
const queries = newQueryClient();
const router = newRouter(queries);

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
