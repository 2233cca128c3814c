import { Modal } from "@mantine/core";
import { testDestination } from "../../../api/destinations";
import { useMayNot } from "../../../api/session";
import type { Destination } from "../../../api/types";
import { isolated } from "../../../words/bidi";
import { TestPanel } from "../preview/TestPanel";

/** Tests a destination as it is saved. */
export function TestDialog({ destination, onClose }: { destination: Destination; onClose: () => void }) {
  const mayNot = useMayNot("operate");
  return (
    <Modal opened onClose={onClose} title={`Test ${isolated(destination.displayName)}`} size="xl">
      <p style={{ marginTop: 0 }}>
        One test alert, signed as any other and marked <span className="mono">Belfry-Test: true</span>. Filters and a
        pause do not matter to it, and it counts for nothing.
      </p>
      <TestPanel mayNot={mayNot} send={(input) => testDestination(destination.id, input)} />
    </Modal>
  );
}
