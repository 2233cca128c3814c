import { Button, Group, Modal, Text } from "@mantine/core";
import { useLocation } from "@tanstack/react-router";
import { signInPath } from "../../api/session";

/** Says that the session has ended. The page stays behind it, so that what was typed can still be copied. */
export function SessionEnded({ ended }: { ended: boolean }) {
  const back = useLocation({ select: (l) => l.href });
  return (
    <Modal opened={ended} onClose={() => {}} withCloseButton={false} title="Your session has ended">
      <Text size="sm">Sign in again, and you come back to this page.</Text>
      <Group justify="flex-end" mt="md">
        <Button component="a" href={signInPath(back)} data-autofocus>
          Sign in
        </Button>
      </Group>
    </Modal>
  );
}
