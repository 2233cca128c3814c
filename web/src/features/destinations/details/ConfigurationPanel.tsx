import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useMayNot } from "../../../api/session";
import type { Destination } from "../../../api/types";
import { Time } from "../../../time/Time";
import { ActionButton } from "../../../ui/act/ActionButton";
import { Panel } from "../../../ui/page/Panel";
import { storageWord } from "../../../words/labels";
import type { DestinationDialog } from "../dialogs/DestinationDialogs";
import classes from "./ConfigurationPanel.module.css";
import { FormerNames } from "./FormerNames";
import { takesWords } from "./takes";

/** How a destination is set up. Its secrets are named, not shown. */
export function ConfigurationPanel({
  destination: d,
  onOpen,
}: {
  destination: Destination;
  onOpen: (dialog: DestinationDialog) => void;
}) {
  const mayNot = useMayNot("admin");
  const takes = takesWords(d);
  const { limits, settings, signing } = d;
  return (
    <Panel
      title="Configuration"
      aside={
        mayNot === undefined && (
          <Link to="/destinations/$destinationId/edit" params={{ destinationId: d.id }}>
            Edit
          </Link>
        )
      }
    >
      <dl className={classes.list}>
        <Fact name="URL">
          {settings ? (
            <>
              <span className="mono">{settings.url}</span>
              <span className="dim">/… the rest is secret</span>
            </>
          ) : (
            "none that can be used"
          )}
        </Fact>
        {d.formerNames.length > 0 && (
          <Fact name="Former names">
            <FormerNames destination={d} />
          </Fact>
        )}
        <Fact name="Severity Levels">{takes.severities}</Fact>
        <Fact name="Default Alert Types">{takes.alertTypes}</Fact>
        <Fact name="Log Types">{takes.logTypes}</Fact>
        <Fact name="Custom HTTP Headers">
          {!settings || settings.headers.length === 0
            ? "none"
            : settings.headers.map((h) => (
                <div key={h.name}>
                  <span className="mono">{h.name}</span> <span className="dim">value stored</span>
                </div>
              ))}
        </Fact>
        <Fact name="Limits">
          <div>{limits.maxInFlight} in flight from each replica</div>
          <div>
            {limits.ratePerSecond === null
              ? "no rate limit"
              : `${limits.ratePerSecond} a second, ${limits.burst ?? 1} at once after a quiet time`}
          </div>
          <div>{limits.holdNotAnswering ? "held while it does not answer" : "not held while it does not answer"}</div>
        </Fact>
        <Fact name="Stored answers">{storageWord[d.responseStorage]}</Fact>
        <Fact name="Signing secret">
          <div>
            {signing.createdAt === null ? (
              "cannot be opened"
            ) : (
              <>
                made <Time at={signing.createdAt} />
              </>
            )}
          </div>
          {signing.previousValidUntil !== null && (
            <div>
              the previous one signs as well until <Time at={signing.previousValidUntil} />
            </div>
          )}
          <ActionButton size="compact-xs" mt={4} mayNot={mayNot} onClick={() => onOpen("rotate")}>
            Rotate…
          </ActionButton>
        </Fact>
        <Fact name="Created">
          <Time at={d.createdAt} /> <span className="dim">version {d.version} now</span>
        </Fact>
      </dl>
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
