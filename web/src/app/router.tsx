import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter } from "@tanstack/react-router";
import { alertQuery } from "../api/alerts";
import { sessionQuery, signInPath } from "../api/session";
import { alertPageSearch, alertsSearch } from "../features/alerts/search";
import { deliveriesPageSearch } from "../features/deliveries/list/search";
import { destinationsSearch, newDestinationSearch } from "../features/destinations/list/search";
import { settingsSearch } from "../features/settings/search";
import { NotFound, PageError, PagePending } from "./fallback/fallbacks";
import { page } from "./page";
import { parseSearch, stringifySearch } from "./search";
import { Shell } from "./shell/Shell";

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  beforeLoad: async ({ context, location }) => {
    const session = await context.queries.ensureQueryData(sessionQuery);
    if (session === null && !entered) {
      window.location.assign(signInPath(location.href));
      await new Promise(() => {}); // the browser leaves
    }
    entered = true;
  },
  component: Shell,
  notFoundComponent: NotFound,
});

// Who was signed in keeps the page when the session ends: the shell then says so.
let entered = false;

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: page(() => import("../features/overview/OverviewPage"), "OverviewPage"),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  validateSearch: alertsSearch,
  component: page(() => import("../features/alerts/AlertsPage"), "AlertsPage"),
});

const alert = createRoute({
  getParentRoute: () => root,
  path: "/alerts/$alertId",
  validateSearch: alertPageSearch,
  loader: ({ context, params }) => void context.queries.prefetchQuery(alertQuery(params.alertId)),
  component: page(() => import("../features/alerts/AlertPage"), "AlertPage"),
});

const deliveries = createRoute({
  getParentRoute: () => root,
  path: "/deliveries",
  validateSearch: deliveriesPageSearch,
  component: page(() => import("../features/deliveries/list/DeliveriesPage"), "DeliveriesPage"),
});

const bulkResends = createRoute({
  getParentRoute: () => root,
  path: "/deliveries/bulk-resends",
  component: page(() => import("../features/deliveries/bulk/BulkResendsPage"), "BulkResendsPage"),
});

const destinations = createRoute({
  getParentRoute: () => root,
  path: "/destinations",
  validateSearch: destinationsSearch,
  component: page(() => import("../features/destinations/list/DestinationsPage"), "DestinationsPage"),
});

const newDestination = createRoute({
  getParentRoute: () => root,
  path: "/destinations/new",
  validateSearch: newDestinationSearch,
  component: page(() => import("../features/destinations/add/NewDestinationPage"), "NewDestinationPage"),
});

const destination = createRoute({
  getParentRoute: () => root,
  path: "/destinations/$destinationId",
  component: page(() => import("../features/destinations/details/DestinationPage"), "DestinationPage"),
});

const editDestination = createRoute({
  getParentRoute: () => root,
  path: "/destinations/$destinationId/edit",
  component: page(() => import("../features/destinations/edit/EditDestinationPage"), "EditDestinationPage"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  validateSearch: settingsSearch,
  component: page(() => import("../features/settings/SettingsPage"), "SettingsPage"),
});

/** Returns the router. Each page is a chunk of its own, fetched when a link to it is pointed at. */
export function newRouter(queries: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([
      overview,
      alerts,
      alert,
      deliveries,
      bulkResends,
      destinations,
      newDestination,
      destination,
      editDestination,
      settings,
    ]),
    context: { queries },
    parseSearch,
    stringifySearch,
    search: { strict: true }, // what makes no sense leaves the URL, instead of reaching the page as it is
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0, // the query cache knows what is stale
    defaultPendingMs: 150,
    defaultPendingComponent: PagePending,
    defaultErrorComponent: PageError,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
