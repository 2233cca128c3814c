import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter } from "@tanstack/react-router";
import { alertPageSearch, alertsSearch } from "../alerts/search";
import { alertQuery } from "../api/alerts";
import { sessionQuery, signInPath } from "../api/session";
import { deliveriesPageSearch } from "../deliveries/search";
import { destinationsSearch, newDestinationSearch } from "../destinations/search";
import { settingsSearch } from "../settings/search";
import { NotFound, PageError, PagePending } from "./fallbacks";
import { page } from "./page";
import { Shell } from "./Shell";
import { parseSearch, stringifySearch } from "./search";

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
  component: page(() => import("../overview/OverviewPage"), "OverviewPage"),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  validateSearch: alertsSearch,
  component: page(() => import("../alerts/AlertsPage"), "AlertsPage"),
});

const alert = createRoute({
  getParentRoute: () => root,
  path: "/alerts/$alertId",
  validateSearch: alertPageSearch,
  loader: ({ context, params }) => void context.queries.prefetchQuery(alertQuery(params.alertId)),
  component: page(() => import("../alerts/AlertPage"), "AlertPage"),
});

const deliveries = createRoute({
  getParentRoute: () => root,
  path: "/deliveries",
  validateSearch: deliveriesPageSearch,
  component: page(() => import("../deliveries/DeliveriesPage"), "DeliveriesPage"),
});

const bulkResends = createRoute({
  getParentRoute: () => root,
  path: "/deliveries/bulk-resends",
  component: page(() => import("../deliveries/BulkResendsPage"), "BulkResendsPage"),
});

const destinations = createRoute({
  getParentRoute: () => root,
  path: "/destinations",
  validateSearch: destinationsSearch,
  component: page(() => import("../destinations/DestinationsPage"), "DestinationsPage"),
});

const newDestination = createRoute({
  getParentRoute: () => root,
  path: "/destinations/new",
  validateSearch: newDestinationSearch,
  component: page(() => import("../destinations/NewDestinationPage"), "NewDestinationPage"),
});

const destination = createRoute({
  getParentRoute: () => root,
  path: "/destinations/$destinationId",
  component: page(() => import("../destinations/DestinationPage"), "DestinationPage"),
});

const editDestination = createRoute({
  getParentRoute: () => root,
  path: "/destinations/$destinationId/edit",
  component: page(() => import("../destinations/EditDestinationPage"), "EditDestinationPage"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  validateSearch: settingsSearch,
  component: page(() => import("../settings/SettingsPage"), "SettingsPage"),
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
