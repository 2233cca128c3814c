import "react";

declare module "react" {
  // React takes custom properties in style; its types have yet to learn it.
  interface CSSProperties {
    [property: `--${string}`]: string | number | undefined;
  }
}
