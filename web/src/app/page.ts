import { lazyRouteComponent } from "@tanstack/react-router";

/** The code of a page could not be had: Belfry cannot be reached, or has another version by now. */
export class CodeMissing extends Error {
  override readonly name = "CodeMissing";

  constructor(cause: unknown) {
    super("the code of the page could not be fetched", { cause });
  }
}

/**
 * A page whose code is fetched when it is needed. That this failed is told apart from a page that broke. It also keeps
 * the router from reloading the window on its own: with Belfry away that would leave nothing to read at all.
 */
export function page<Module extends Record<string, unknown>, Name extends keyof Module>(
  fetchCode: () => Promise<Module>,
  name: Name,
) {
  return lazyRouteComponent(
    () =>
      fetchCode().catch((error: unknown) => {
        throw new CodeMissing(error);
      }),
    name,
  );
}
