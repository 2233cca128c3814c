import { PageHead } from "../parts/PageHead";

export function DestinationPage() {
  return <PageHead title="Destination" />;
}
