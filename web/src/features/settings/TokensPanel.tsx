import { Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useMayNot } from "../../api/session";
import { tokensQuery } from "../../api/tokens";
import type { Token } from "../../api/types";
import { Time } from "../../time/Time";
import { ActionButton } from "../../ui/act/ActionButton";
import { CopyId } from "../../ui/code/CopyId";
import { Empty } from "../../ui/page/Empty";
import { Loaded } from "../../ui/page/Loaded";
import { Panel } from "../../ui/page/Panel";
import { isolated } from "../../words/bidi";
import { scopeWord } from "../../words/labels";
import { AccessTable } from "./AccessTable";
import { NewTokenDialog } from "./NewTokenDialog";
import { RevokeButton } from "./RevokeButton";
import classes from "./settings.module.css";

/** The tokens that producers, scripts and people call with. */
export function TokensPanel() {
  const mayNot = useMayNot("admin");
  const query = useQuery({ ...tokensQuery, enabled: mayNot === undefined });
  const [making, setMaking] = useState(false);
  const [revokedToo, setRevokedToo] = useState(false);
  return (
    <Panel
      title="API tokens"
      aside={
        <span className={classes.aside}>
          {query.data?.some((t) => t.revokedAt !== null) && (
            <Switch
              size="xs"
              label="Revoked ones, too"
              checked={revokedToo}
              onChange={(e) => setRevokedToo(e.currentTarget.checked)}
            />
          )}
          <ActionButton variant="filled" mayNot={mayNot} onClick={() => setMaking(true)}>
            Create token
          </ActionButton>
        </span>
      }
    >
      {mayNot !== undefined ? (
        <Empty title="Tokens are for administrators">{mayNot}</Empty>
      ) : (
        <Loaded query={query} what="The tokens">
          {(tokens) => <Tokens tokens={tokens.filter((t) => revokedToo || t.revokedAt === null)} />}
        </Loaded>
      )}
      {making && <NewTokenDialog onClose={() => setMaking(false)} />}
    </Panel>
  );
}

function Tokens({ tokens }: { tokens: readonly Token[] }) {
  if (tokens.length === 0) {
    return (
      <Empty title="No tokens yet">
        Create one for each producer that posts alerts. It needs the scope <span className="mono">ingest</span> only.
      </Empty>
    );
  }
  return (
    <AccessTable
      columns={{ name: "Name", about: "May", created: "Created" }}
      rows={tokens.map((t) => ({
        ...t,
        over: t.revokedAt !== null,
        name: (
          <>
            <div className={classes.name}>{isolated(t.name)}</div>
            <span className="dim">
              <CopyId id={t.id} what="token ID" />
            </span>
          </>
        ),
        about: t.scopes.map((s) => (
          <div key={s} title={scopeWord[s]}>
            <span className="mono">{s}</span> <span className="dim">{scopeWord[s]}</span>
          </div>
        )),
        created: `by ${isolated(t.createdBy)}`,
        action:
          t.revokedAt === null ? (
            <RevokeButton token={t} />
          ) : (
            <span className="dim">
              Revoked <Time at={t.revokedAt} />
            </span>
          ),
      }))}
    />
  );
}
