import { Button, Group, Stack } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { testDestination } from "../../../api/destinations";
import { Panel } from "../../../ui/page/Panel";
import { isolated } from "../../../words/bidi";
import { SecretOnce } from "../dialogs/SecretOnce";
import { LeaveDialog } from "../edit/LeaveDialog";
import { TestPanel } from "../preview/TestPanel";
import classes from "./NewDestinationPage.module.css";
import type { Created } from "./NewForm";

/** The last step of "Add Destination": the signing secret, a test, and the ways on. None is gone before the secret is kept. */
export function CreatedPanel({ created, onAnother }: { created: Created; onAnother: () => void }) {
  const [kept, setKept] = useState(false);
  return (
    <Panel title={`${isolated(created.displayName)} is added`}>
      <LeaveDialog dirty={!kept} anywhere title="Leave without the signing secret?" confirm="I have it: leave">
        The destination is added, but its signing secret is not shown again. Whoever has not kept it can only rotate it.
      </LeaveDialog>
      <Stack gap="md" className={classes.done}>
        <SecretOnce secret={created.signingSecret} kept={kept} onKept={setKept} />
        <div>
          <h3 className={classes.head}>Send a test alert</h3>
          <p className={classes.text}>
            It is signed with the secret above, and marked <span className="mono">Belfry-Test: true</span>. You can also
            do this later.
          </p>
          <TestPanel send={(input) => testDestination(created.id, input)} />
        </div>
        <Group gap="xs">
          <Button
            renderRoot={(props) => (
              <Link {...props} to="/destinations/$destinationId" params={{ destinationId: created.id }} />
            )}
          >
            Finish Setup
          </Button>
          <Button
            variant="default"
            renderRoot={(props) => (
              <Link {...props} to="/destinations/$destinationId/edit" params={{ destinationId: created.id }} />
            )}
          >
            Back to configuration
          </Button>
          <Button variant="default" onClick={onAnother}>
            Add another
          </Button>
        </Group>
      </Stack>
    </Panel>
  );
}
