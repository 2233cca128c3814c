import type { UseQueryResult } from "@tanstack/react-query";
import type { components } from "../../../api/schema.gen";
import { countText } from "../health/health";

/** How many alerts named a destination lately, in a sentence. */
export function NamingText({ naming }: { naming: UseQueryResult<components["schemas"]["AlertsNaming"]> }) {
  if (naming.data === undefined) {
    return naming.isError ? "The alerts that name it could not be counted." : "Counting the alerts that name it…";
  }
  const { alerts, capped } = naming.data;
  if (alerts === 0) {
    return "No alert of the last 30 days named it.";
  }
  return (
    <strong>
      {countText(alerts, capped)} {alerts === 1 ? "alert" : "alerts"} of the last 30 days named it.
    </strong>
  );
}
