import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { endSession, sessionsKey } from "../../api/sessions";
import type { OpenSession } from "../../api/types";
import { useAction } from "../../api/useAction";
import { Time } from "../../time/Time";
import { ActionButton } from "../../ui/act/ActionButton";
import { useAnnounce } from "../../ui/act/Announcer";
import { ConfirmDialog } from "../../ui/act/ConfirmDialog";
import { isolated } from "../../words/bidi";
import { browserWord } from "./sessionWords";

/** Ends a session, after saying whose it is. Whoever ends their own is signed out. */
export function EndSessionButton({ session }: { session: OpenSession }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const announce = useAnnounce();
  const end = useAction({
    mutationFn: () => endSession(session.id),
    onSuccess: () => {
      if (session.current) {
        // Nothing of what was seen stays in this page.
        window.location.assign("/sign-in");
        return;
      }
      announce(`Ended: the session of ${session.name}`);
      setAsking(false);
      void queries.invalidateQueries({ queryKey: sessionsKey });
    },
  });
  return (
    <>
      <ActionButton size="compact-xs" onClick={() => setAsking(true)}>
        End…
      </ActionButton>
      <ConfirmDialog
        opened={asking}
        onClose={() => {
          setAsking(false);
          end.reset();
        }}
        title={session.current ? "End this session?" : `End the session of “${isolated(session.name)}”?`}
        confirm="End session"
        dismiss="Keep it"
        danger
        pending={end.isPending}
        error={end.error}
        onConfirm={() => end.mutate()}
      >
        <p>
          {session.current
            ? "This is your own session: you will be signed out."
            : "The person who uses it is signed out at their next click."}
        </p>
        <p>
          Opened <Time at={session.createdAt} ago />
          {session.address && ` from ${session.address}`}, {isolated(browserWord(session.userAgent))}.
        </p>
        {session.openedBy === "token" && <p>Its token stays valid: to end that too, revoke it.</p>}
      </ConfirmDialog>
    </>
  );
}
