import { useBlocker } from "@tanstack/react-router";
import { ConfirmDialog } from "../parts/ConfirmDialog";

/** Asks before a page with something unsaved is left, by a link or by closing the window. */
export function LeaveDialog({ dirty }: { dirty: boolean }) {
  const blocker = useBlocker({
    // What is behind "?" may change: the page, and what was entered, stay.
    shouldBlockFn: ({ current, next }) => dirty && current.pathname !== next.pathname,
    enableBeforeUnload: dirty,
    withResolver: true,
  });
  return (
    <ConfirmDialog
      opened={blocker.status === "blocked"}
      onClose={() => blocker.reset?.()}
      title="Leave without saving?"
      confirm="Leave"
      dismiss="Stay"
      danger
      pending={false}
      error={undefined}
      onConfirm={() => blocker.proceed?.()}
    >
      What you have entered here is lost.
    </ConfirmDialog>
  );
}
