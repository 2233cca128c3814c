import { Button, Group, Modal } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { patchDestination } from "../../../api/destinations";
import { asProblem } from "../../../api/problem";
import type { Destination, DestinationTypeInfo } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { Time } from "../../../time/Time";
import { useAnnounce } from "../../../ui/act/Announcer";
import { Panel } from "../../../ui/page/Panel";
import columns from "../add/NewDestinationPage.module.css";
import { TypeChosen } from "../add/TypeChosen";
import { RotateDialog } from "../dialogs/RotateDialog";
import { SecretOnce } from "../dialogs/SecretOnce";
import { readAgain, showDestination } from "../dialogs/useChange";
import { DestinationForm } from "../form/DestinationForm";
import { changesOf, type FormValues, formOf, patchOf, rebase } from "../form/form";
import { FormAside } from "../preview/FormAside";
import classes from "./EditForm.module.css";
import { LeaveDialog } from "./LeaveDialog";

/**
 * The form of a destination that exists. It is filled once; when the destination changes meanwhile, that is said, and
 * whoever edits chooses how to go on.
 */
export function EditForm({
  type,
  now,
  others,
}: {
  type: DestinationTypeInfo;
  now: Destination;
  others: readonly Destination[];
}) {
  const [base, setBase] = useState(now);
  const [values, setValues] = useState<FormValues>(() => formOf(now, type));
  const [rotating, setRotating] = useState(false);
  const [made, setMade] = useState<string>(); // a signing secret, by the change that was saved
  const navigate = useNavigate();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const patch = patchOf(values, base, type);
  const changed = changesOf(values, base, type);
  const back = () => void navigate({ to: "/destinations/$destinationId", params: { destinationId: base.id } });
  const leave = () =>
    void navigate({
      to: "/destinations/$destinationId",
      params: { destinationId: base.id },
      ignoreBlocker: true, // what was entered is saved
    });
  const save = useAction({
    mutationFn: () => patchDestination(base.id, base.version, patch),
    onSuccess: (d) => {
      announce(
        d.formerNames.length > base.formerNames.length
          ? "Saved. Alerts that use the old name still reach it."
          : "Saved",
      );
      showDestination(queries, d);
      readAgain(queries, d.id);
      if (d.signingSecret === undefined) {
        leave();
      } else {
        setMade(d.signingSecret);
      }
    },
    onError: (error) => {
      if (asProblem(error).code === "precondition_failed") {
        readAgain(queries, base.id); // brings what it is now, which is shown below
      }
    },
  });
  const change = (to: Partial<FormValues>) => {
    if (save.isError) {
      save.reset();
    }
    setValues((v) => ({ ...v, ...to }));
  };
  const takeOver = (next: FormValues) => {
    save.reset();
    setValues(next);
    setBase(now);
  };

  const theirs = changesOf(formOf(now, type), base, type);
  if (harmless(base, now) && theirs.length === 0) {
    setBase(now);
  }
  const moved = now.version > base.version;
  return (
    <div className={columns.columns}>
      <LeaveDialog dirty={changed.length > 0 && !save.isSuccess} />
      <Panel title="Configuration">
        {moved && (
          <div className={classes.moved} role="alert">
            <strong>Somebody changed this destination while you were editing it</strong> (<Time at={now.updatedAt} />
            {`: ${theirs.join(", ") || "the value of a secret"}`}).{" "}
            {changed.length > 0 ? `You have changed ${changed.join(", ")}.` : "You have changed nothing yet."}
            <Group gap="xs" mt={8}>
              <Button onClick={() => takeOver(rebase(values, base, now, type))}>
                {changed.length > 0 ? "Keep my changes, take the rest" : "Show what it is now"}
              </Button>
              {changed.length > 0 && (
                <Button variant="default" onClick={() => takeOver(formOf(now, type))}>
                  Discard my changes
                </Button>
              )}
            </Group>
          </div>
        )}
        <TypeChosen type={type} />
        <DestinationForm
          type={type}
          values={values}
          onChange={change}
          saved={base}
          others={others}
          problem={save.error}
          pending={save.isPending}
          submit="Save changes"
          onSubmit={() => (changed.length === 0 ? back() : save.mutate())}
          onCancel={back}
          aside={
            <div>
              <div className={classes.label}>Signing secret</div>
              <p className={classes.hint}>
                {base.signing.createdAt === null ? (
                  "It cannot be opened"
                ) : (
                  <>
                    Made <Time at={base.signing.createdAt} />
                  </>
                )}
                {base.signing.previousValidUntil !== null && (
                  <>
                    ; the previous one signs as well until <Time at={base.signing.previousValidUntil} />
                  </>
                )}
                . It signs each request, and is never shown again. Rotating takes effect at once.
              </p>
              <Button variant="default" onClick={() => setRotating(true)}>
                Rotate…
              </Button>
            </div>
          }
        />
      </Panel>
      <FormAside type={type} values={values} saved={base} />
      {rotating && <RotateDialog destination={base} onClose={() => setRotating(false)} />}
      {made !== undefined && (
        // What is shown once must not be lost by a click beside it.
        <Modal
          opened
          onClose={leave}
          title="It has a new signing secret"
          size="lg"
          closeOnClickOutside={false}
          closeOnEscape={false}
        >
          <p className={classes.hint}>The previous one could not be opened any more. The changes are saved.</p>
          <SecretOnce secret={made} />
          <Group justify="flex-end" mt="sm">
            <Button onClick={leave}>Done</Button>
          </Group>
        </Modal>
      )}
    </div>
  );
}

/**
 * Whether the newer version is a rotation, a pause or a resume alone: nothing of it is in the form. A new value of a
 * secret cannot be seen, so what cannot be explained so is asked about.
 */
function harmless(base: Destination, now: Destination): boolean {
  return (
    now.version === base.version + 1 &&
    JSON.stringify(now.settings) === JSON.stringify(base.settings) &&
    (now.state !== base.state || now.signing.createdAt !== base.signing.createdAt)
  );
}
