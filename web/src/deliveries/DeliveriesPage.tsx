import { PageHead } from "../parts/PageHead";

export function DeliveriesPage() {
  return <PageHead title="Deliveries" />;
}
