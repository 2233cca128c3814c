import { Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { destinationsQuery } from "../../api/destinations";
import { Loaded } from "../../ui/page/Loaded";
import { PageHead } from "../../ui/page/PageHead";
import { AttentionPanel } from "./AttentionPanel";
import { FirstSteps } from "./FirstSteps";
import { TrafficPanel } from "./TrafficPanel";
import { WaitingPanel } from "./WaitingPanel";

/** How things are: what needs someone first, then what waits, and how the last day went. */
export function OverviewPage() {
  const query = useQuery(destinationsQuery);
  return (
    <>
      <PageHead title="Overview" />
      <Loaded query={query} what="The destinations" lines={8}>
        {(destinations) =>
          destinations.length === 0 ? (
            <FirstSteps />
          ) : (
            <Stack gap="md" mt={8}>
              <AttentionPanel destinations={destinations} />
              <WaitingPanel />
              <TrafficPanel />
            </Stack>
          )
        }
      </Loaded>
    </>
  );
}
