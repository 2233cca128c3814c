import { useQuery } from "@tanstack/react-query";
import { useMayNot } from "../../api/session";
import { sessionsQuery } from "../../api/sessions";
import type { OpenSession } from "../../api/types";
import { Time } from "../../time/Time";
import { Empty } from "../../ui/page/Empty";
import { Loaded } from "../../ui/page/Loaded";
import { Panel } from "../../ui/page/Panel";
import { isolated } from "../../words/bidi";
import { AccessTable } from "./AccessTable";
import { EndSessionButton } from "./EndSessionButton";
import { browserWord, openerWord } from "./sessionWords";
import classes from "./settings.module.css";

/** The open sessions: everybody's for an admin, else those opened with the same token. */
export function SessionsPanel() {
  const query = useQuery({ ...sessionsQuery, staleTime: 0 });
  const all = useMayNot("admin") === undefined;
  return (
    <Panel title={all ? "All open sessions" : "Your open sessions"}>
      <Loaded query={query} what="The sessions">
        {(sessions) => <Sessions sessions={sessions} />}
      </Loaded>
    </Panel>
  );
}

function Sessions({ sessions }: { sessions: readonly OpenSession[] }) {
  if (sessions.length === 0) {
    return <Empty title="No open sessions">The sessions of people who sign in are listed here.</Empty>;
  }
  return (
    <AccessTable
      columns={{ name: "Who", about: "From", created: "Opened" }}
      rows={sessions.map((s) => ({
        ...s,
        name: (
          <>
            <div>
              <span className={classes.name}>{isolated(s.name)}</span>
              {s.current && <span className={classes.current}>This session</span>}
            </div>
            <span className="dim">{s.scopes.join(", ")}</span>
          </>
        ),
        about: (
          <>
            <div>{s.address || <span className="dim">unknown address</span>}</div>
            <span className="dim" title={s.userAgent}>
              {isolated(browserWord(s.userAgent))}
            </span>
          </>
        ),
        created: (
          <>
            {openerWord[s.openedBy]}; ends <Time at={s.expiresAt} ago />
          </>
        ),
        action: <EndSessionButton session={s} />,
      }))}
    />
  );
}
