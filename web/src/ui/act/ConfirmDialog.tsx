import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { ProblemAlert } from "../page/ProblemAlert";
import { ActionButton } from "./ActionButton";

/** Asks before something that cannot be taken back. The dialog stays while it is done, and shows what went wrong. */
export function ConfirmDialog({
  opened,
  onClose,
  title,
  confirm,
  mayNot,
  onConfirm,
  pending,
  error,
  dismiss = "Cancel",
  danger = false,
  children,
}: {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What the button says: the verb, not "OK". */
  confirm: string;
  /** Why that cannot be done now. */
  mayNot?: string | undefined;
  onConfirm: () => void;
  pending: boolean;
  error: unknown;
  /** What the other button says. */
  dismiss?: string;
  danger?: boolean;
  children: ReactNode;
}) {
  return (
    <Modal opened={opened} onClose={onClose} title={title}>
      <Stack gap="sm">
        <div>{children}</div>
        {error !== null && error !== undefined && <ProblemAlert title="That did not work" error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {dismiss}
          </Button>
          <ActionButton
            variant="filled"
            // The usual shade of red is too light for white text.
            color={danger ? "red.9" : undefined}
            mayNot={mayNot}
            // On its way out it is still there, and a second click must not order once more.
            onClick={() => opened && onConfirm()}
            loading={pending}
            autofocus
          >
            {confirm}
          </ActionButton>
        </Group>
      </Stack>
    </Modal>
  );
}
