import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { sessionKey, sessionQuery } from "../api/session";
import { revokeToken, tokensKey } from "../api/tokens";
import type { Token } from "../api/types";
import { useAction } from "../api/useAction";
import { ActionButton } from "../parts/ActionButton";
import { useAnnounce } from "../parts/Announcer";
import { ConfirmDialog } from "../parts/ConfirmDialog";
import { Time } from "../time/Time";
import { isolated } from "../words/bidi";

/** Revokes a token, after saying what that stops. */
export function RevokeButton({ token }: { token: Token }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const announce = useAnnounce();
  const { data: session } = useQuery(sessionQuery);
  const revoke = useAction({
    mutationFn: () => revokeToken({ id: token.id, cascade: false }),
    onSuccess: () => {
      announce(`Revoked: ${token.name}`);
      setAsking(false);
      void queries.invalidateQueries({ queryKey: tokensKey });
      // It may have been this session's own.
      void queries.invalidateQueries({ queryKey: sessionKey });
    },
  });
  return (
    <>
      <ActionButton size="compact-xs" onClick={() => setAsking(true)}>
        Revoke…
      </ActionButton>
      <ConfirmDialog
        opened={asking}
        onClose={() => {
          setAsking(false);
          revoke.reset();
        }}
        title={`Revoke “${isolated(token.name)}”?`}
        confirm="Revoke"
        dismiss="Keep it"
        danger
        pending={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoke.mutate()}
      >
        <p>
          Whatever calls with it is refused from now on, and sessions that were opened with it end. This cannot be taken
          back.
        </p>
        <p>
          {token.lastUsedAt === null ? (
            "It was never used."
          ) : (
            <>
              It was last used <Time at={token.lastUsedAt} ago />.
            </>
          )}
        </p>
        {session?.name === token.name && (
          <p>
            <strong>You are signed in under this name: your own session may end.</strong>
          </p>
        )}
      </ConfirmDialog>
    </>
  );
}
