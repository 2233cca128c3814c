import { Button, Group, Modal, Select, Stack } from "@mantine/core";
import { useState } from "react";
import { rotateSigningSecret } from "../../../api/destinations";
import type { Destination } from "../../../api/types";
import { Time } from "../../../time/Time";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { isolated } from "../../../words/bidi";
import { SecretOnce } from "./SecretOnce";
import { useChange } from "./useChange";

const keeps = [
  { value: "0", label: "ends at once" },
  { value: "3600", label: "is used for another hour" },
  { value: "86400", label: "is used for another day" },
  { value: "604800", label: "is used for another week" },
];

/** Makes a new signing secret, and shows it once. For a while the previous one signs as well. */
export function RotateDialog({ destination, onClose }: { destination: Destination; onClose: () => void }) {
  const [keep, setKeep] = useState("86400");
  const rotate = useChange(
    destination.id,
    () => rotateSigningSecret(destination.id, Number(keep)),
    () => {},
    "The signing secret was rotated",
  );
  const { signing, displayName } = destination;
  return (
    // What is shown once must not be lost by a click beside it.
    <Modal
      opened
      onClose={onClose}
      title={`Signing secret of ${isolated(displayName)}`}
      size="lg"
      closeOnClickOutside={!rotate.isSuccess}
      closeOnEscape={!rotate.isSuccess}
    >
      {rotate.isSuccess ? (
        <Stack gap="sm">
          <SecretOnce secret={rotate.data.signingSecret} />
          <div>
            {rotate.data.previousValidUntil === null ? (
              "The previous secret no longer signs."
            ) : (
              <>
                Until <Time at={rotate.data.previousValidUntil} /> each request carries a signature of the previous
                secret as well: a receiver that knows either accepts.
              </>
            )}
          </div>
          <Group justify="flex-end">
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Stack>
      ) : (
        <Stack gap="sm">
          <div>
            {signing.createdAt === null ? (
              "The present secret cannot be opened."
            ) : (
              <>
                The present secret was made <Time at={signing.createdAt} />.
              </>
            )}{" "}
            A new one takes its place now; tell the receiver before the previous one ends.
            {signing.previousValidUntil !== null && (
              <>
                {" "}
                The one before it, which signs until <Time at={signing.previousValidUntil} />, ends at once.
              </>
            )}
          </div>
          <Select
            label="The previous secret"
            data={keeps}
            value={keep}
            onChange={(v) => setKeep(v ?? "86400")}
            allowDeselect={false}
          />
          {rotate.isError && <ProblemAlert title="It could not be rotated" error={rotate.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button loading={rotate.isPending} onClick={() => rotate.mutate()} data-autofocus>
              Rotate
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
