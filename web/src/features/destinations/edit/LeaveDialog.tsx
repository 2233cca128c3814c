import { useBlocker } from "@tanstack/react-router";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";

/** Asks before a page with something unsaved is left, by a link, by going back or by closing the window. */
export function LeaveDialog({
  dirty,
  anywhere = false,
  title = "Leave without saving?",
  confirm = "Leave",
  children = "What you have entered here is lost.",
}: {
  dirty: boolean;
  /** Whether it is lost when but what is behind "?" changes. What was entered in a form is not. */
  anywhere?: boolean;
  title?: string;
  confirm?: string;
  /** What is lost. */
  children?: string;
}) {
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => dirty && (anywhere || current.pathname !== next.pathname),
    enableBeforeUnload: dirty,
    withResolver: true,
  });
  return (
    <ConfirmDialog
      opened={blocker.status === "blocked"}
      onClose={() => blocker.reset?.()}
      title={title}
      confirm={confirm}
      dismiss="Stay"
      danger
      pending={false}
      error={undefined}
      onConfirm={() => blocker.proceed?.()}
    >
      {children}
    </ConfirmDialog>
  );
}
