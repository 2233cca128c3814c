import { useQuery } from "@tanstack/react-query";
import { useMayNot } from "../../api/session";
import { sessionsQuery } from "../../api/sessions";
import type { OpenSession } from "../../api/types";
import { Time } from "../../time/Time";
import { Empty } from "../../ui/page/Empty";
import { Loaded } from "../../ui/page/Loaded";
import { Panel } from "../../ui/page/Panel";
import { isolated } from "../../words/bidi";
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
    return <Empty title="No open sessions">Whoever signs in is listed here.</Empty>;
  }
  return (
    <table className={classes.table} role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col">Who</th>
          <th scope="col">From</th>
          <th scope="col">Last used</th>
          <th scope="col">Opened</th>
          <th scope="col">Action</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {sessions.map((s) => (
          <tr key={s.id} role="row" data-row>
            <td role="cell">
              <div>
                <span className={classes.name}>{isolated(s.name)}</span>
                {s.current && <span className={classes.current}>This session</span>}
              </div>
              <span className="dim">{s.scopes.join(", ")}</span>
            </td>
            <td role="cell">
              <div>{s.address || <span className="dim">unknown address</span>}</div>
              <span className="dim" title={s.userAgent}>
                {isolated(browserWord(s.userAgent))}
              </span>
            </td>
            <td role="cell">
              <span className={classes.label}>Last used </span>
              {s.lastUsedAt === null ? <span className="dim">never</span> : <Time at={s.lastUsedAt} ago />}
            </td>
            <td role="cell">
              <span className={classes.label}>Opened </span>
              <Time at={s.createdAt} />
              <div className="dim">
                {openerWord[s.openedBy]}; ends <Time at={s.expiresAt} ago />
              </div>
            </td>
            <td role="cell">
              <EndSessionButton session={s} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
