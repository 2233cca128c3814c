import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { ProblemAlert } from "./ProblemAlert";

/** Asks before something that cannot be taken back. The dialog stays while it is done, and shows what went wrong. */
export function ConfirmDialog({
  opened,
  onClose,
  title,
  confirm,
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
          <Button color={danger ? "red" : undefined} onClick={onConfirm} loading={pending} data-autofocus>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
