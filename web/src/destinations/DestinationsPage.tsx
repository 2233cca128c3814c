import { PageHead } from "../parts/PageHead";

export function DestinationsPage() {
  return <PageHead title="Alert Destinations" />;
}
