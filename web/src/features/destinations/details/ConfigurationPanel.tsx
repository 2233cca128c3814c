import { Link } from "@tanstack/react-router";
import { useMayNot } from "../../../api/session";
import type { Destination, DestinationTypeInfo } from "../../../api/types";
import { Time } from "../../../time/Time";
import { ActionButton } from "../../../ui/act/ActionButton";
import { Panel } from "../../../ui/page/Panel";
import { storageWord } from "../../../words/labels";
import type { DestinationDialog } from "../dialogs/DestinationDialogs";
import classes from "./ConfigurationPanel.module.css";
import { Fact } from "./Fact";
import { FormerNames } from "./FormerNames";
import { SettingsFacts } from "./SettingsFacts";
import { takesWords } from "./takes";

/** How a destination is set up. Its secrets are named, not shown. */
export function ConfigurationPanel({
  destination: d,
  type,
  onOpen,
}: {
  destination: Destination;
  /** What its type asks for, where this version knows it. */
  type: DestinationTypeInfo | undefined;
  onOpen: (dialog: DestinationDialog) => void;
}) {
  const mayNot = useMayNot("admin");
  const takes = takesWords(d);
  const { limits, signing } = d;
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
        <Fact name="Type">{type?.name ?? d.type}</Fact>
        {type && <SettingsFacts destination={d} type={type} />}
        {d.formerNames.length > 0 && (
          <Fact name="Former names">
            <FormerNames destination={d} />
          </Fact>
        )}
        <Fact name="Severity Levels">{takes.severities}</Fact>
        <Fact name="Default Alert Types">{takes.alertTypes}</Fact>
        <Fact name="Log Types">{takes.logTypes}</Fact>
        <Fact name="Limits">
          <div>at most {limits.maxInFlight} in flight from each replica</div>
          <div>
            {limits.ratePerSecond === null
              ? "no rate limit"
              : `${limits.ratePerSecond} a second, ${limits.burst ?? 1} at once after a quiet time`}
          </div>
          <div>{limits.holdFailing ? "held while it keeps failing" : "not held while it keeps failing"}</div>
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
