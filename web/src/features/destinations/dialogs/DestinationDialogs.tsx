import { useNavigate, useRouterState } from "@tanstack/react-router";
import type { Destination } from "../../../api/types";
import { DeleteDialog } from "./DeleteDialog";
import { PauseDialog } from "./PauseDialog";
import { ResendDialog } from "./ResendDialog";
import { ResumeDialog } from "./ResumeDialog";
import { RotateDialog } from "./RotateDialog";
import { TestDialog } from "./TestDialog";

export type DestinationDialog = "test" | "pause" | "resume" | "discard" | "resend" | "rotate" | "delete";

/** The dialogs of what can be done with a destination; `open` names the one that is open. */
export function DestinationDialogs({
  destination,
  open,
  onClose,
}: {
  destination: Destination;
  open: DestinationDialog | undefined;
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const onItsPage = useRouterState({ select: (s) => s.location.pathname !== "/destinations" });
  switch (open) {
    case undefined:
      return null;
    case "test":
      return <TestDialog destination={destination} onClose={onClose} />;
    case "pause":
      return <PauseDialog destination={destination} onClose={onClose} />;
    case "resume":
      return <ResumeDialog destination={destination} onClose={onClose} />;
    case "discard":
      return <ResumeDialog destination={destination} onClose={onClose} discard />;
    case "resend":
      return <ResendDialog destination={destination} onClose={onClose} />;
    case "rotate":
      return <RotateDialog destination={destination} onClose={onClose} />;
    case "delete":
      return (
        <DeleteDialog
          destination={destination}
          onClose={onClose}
          onDeleted={() => {
            onClose();
            if (onItsPage) {
              void navigate({ to: "/destinations", replace: true });
            }
          }}
        />
      );
  }
}
