import { Checkbox } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { sessionKey, sessionQuery } from "../../api/session";
import { sessionsKey } from "../../api/sessions";
import { revokeToken, tokensKey, tokensQuery } from "../../api/tokens";
import type { Token } from "../../api/types";
import { useAction } from "../../api/useAction";
import { Time } from "../../time/Time";
import { ActionButton } from "../../ui/act/ActionButton";
import { useAnnounce } from "../../ui/act/Announcer";
import { ConfirmDialog } from "../../ui/act/ConfirmDialog";
import { isolated } from "../../words/bidi";
import { madeBy } from "./lineage";
import classes from "./settings.module.css";

/** Revokes a token, after saying what that stops. */
export function RevokeButton({ token }: { token: Token }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const announce = useAnnounce();
  const { data: session } = useQuery(sessionQuery);
  const { data: tokens = [] } = useQuery(tokensQuery);
  const [cascade, setCascade] = useState(false);
  const made = madeBy(tokens, token.id);
  const revoke = useAction({
    mutationFn: () => revokeToken({ id: token.id, cascade }),
    onSuccess: ({ created }) => {
      const more = created.filter((t) => t.revokedAt !== null).length;
      announce(`Revoked: ${token.name}${more > 0 ? ` and ${more} that it made` : ""}`);
      setAsking(false);
      void queries.invalidateQueries({ queryKey: tokensKey });
      void queries.invalidateQueries({ queryKey: sessionsKey });
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
          setCascade(false);
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
        {made.length > 0 && (
          <>
            <p>
              {made.length === 1 ? "It made a token that is valid:" : `It made ${made.length} tokens that are valid:`}
            </p>
            <ul className={classes.made}>
              {made.map((t) => (
                <li key={t.id}>
                  {isolated(t.name)} <span className="dim">{t.scopes.join(", ")}</span>
                </li>
              ))}
            </ul>
            <Checkbox
              label={made.length === 1 ? "Revoke this one, too" : "Revoke these, too"}
              checked={cascade}
              onChange={(e) => setCascade(e.currentTarget.checked)}
            />
          </>
        )}
        {session?.name === token.name && (
          <p>
            <strong>You are signed in under this name: your own session may end.</strong>
          </p>
        )}
      </ConfirmDialog>
    </>
  );
}
