import { useQuery } from "@tanstack/react-query";
import { sessionQuery, signOut } from "../../api/session";
import { useAction } from "../../api/useAction";
import { Time } from "../../time/Time";
import { ActionButton } from "../../ui/act/ActionButton";
import { Loaded } from "../../ui/page/Loaded";
import { Panel } from "../../ui/page/Panel";
import { ProblemAlert } from "../../ui/page/ProblemAlert";
import { isolated } from "../../words/bidi";
import { scopeWord } from "../../words/labels";
import classes from "./settings.module.css";

/** Who is signed in here, what they may do, and the way out. */
export function SessionPanel() {
  const query = useQuery(sessionQuery);
  const leave = useAction({
    mutationFn: signOut,
    // Nothing of what was seen stays in this page.
    onSuccess: () => window.location.assign("/sign-in"),
  });
  return (
    <Panel title="Your session">
      <Loaded query={query} what="Your session">
        {(session) => (
          <>
            <dl className={classes.facts}>
              <div className={classes.fact}>
                <dt>Signed in as</dt>
                <dd>{isolated(session?.name ?? "nobody: the session has ended")}</dd>
              </div>
              <div className={classes.fact}>
                <dt>You may</dt>
                <dd>
                  {session?.scopes.map((s) => (
                    <div key={s}>
                      <span className="mono">{s}</span> <span className="dim">{scopeWord[s]}</span>
                    </div>
                  ))}
                </dd>
              </div>
              {session?.expiresAt && (
                <div className={classes.fact}>
                  <dt>Ends</dt>
                  <dd>
                    <Time at={session.expiresAt} />, <Time at={session.expiresAt} ago />
                  </dd>
                </div>
              )}
            </dl>
            <p className="dim">
              Signing out ends this session only. A session that nobody uses ends by itself. To end every session that
              was opened with a token, revoke the token.
            </p>
            {leave.isError && <ProblemAlert title="You could not be signed out" error={leave.error} />}
            <ActionButton loading={leave.isPending} onClick={() => leave.mutate()}>
              Sign out
            </ActionButton>
          </>
        )}
      </Loaded>
    </Panel>
  );
}
