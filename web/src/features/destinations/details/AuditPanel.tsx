import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { destinationAuditQuery } from "../../../api/destinations";
import { useMayNot } from "../../../api/session";
import { Time } from "../../../time/Time";
import { CopyButton } from "../../../ui/code/CopyButton";
import { Loaded } from "../../../ui/page/Loaded";
import { Panel } from "../../../ui/page/Panel";
import { isolated } from "../../../words/bidi";
import classes from "./AuditPanel.module.css";
import { auditWords } from "./audit";

const first = 6;
const most = 200;

/** Who changed a destination, newest first. */
export function AuditPanel({ destinationId }: { destinationId: string }) {
  const [limit, setLimit] = useState(first);
  const mayNot = useMayNot("operate");
  // One more than is shown: what an entry changed is told by the one before it.
  const query = useQuery({
    ...destinationAuditQuery(destinationId, Math.min(most, limit + 1)),
    enabled: mayNot === undefined,
  });
  return (
    <Panel title="Changes">
      {mayNot !== undefined ? (
        <p className={classes.none}>{mayNot}</p>
      ) : (
        <Loaded query={query} what="Who changed it" lines={3}>
          {({ items, nextCursor }) =>
            items.length === 0 ? (
              <p className={classes.none}>Its changes have been dropped from the audit log.</p>
            ) : (
              <>
                <ol className={classes.list}>
                  {items.slice(0, limit).map((entry, n) => (
                    <li key={entry.id} className={classes.entry}>
                      <div>{auditWords(entry, items[n + 1])}</div>
                      <div className={classes.who}>
                        {isolated(entry.actor)} · <Time at={entry.at} />
                        <span className={classes.request}>
                          request <CopyButton text={entry.requestId} what={`request ID ${entry.requestId}`} />
                        </span>
                      </div>
                    </li>
                  ))}
                </ol>
                {(items.length > limit || nextCursor !== null) && limit < most && (
                  <Button
                    variant="subtle"
                    size="compact-xs"
                    loading={query.isPlaceholderData}
                    onClick={() => setLimit(Math.min(most, limit * 4))}
                  >
                    Show more
                  </Button>
                )}
              </>
            )
          }
        </Loaded>
      )}
    </Panel>
  );
}
