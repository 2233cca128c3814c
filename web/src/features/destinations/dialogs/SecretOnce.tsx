import { Checkbox, Text } from "@mantine/core";
import { CopyButton } from "../../../ui/code/CopyButton";
import classes from "./SecretOnce.module.css";

/** A signing secret that was just made. The server does not show it again. */
export function SecretOnce({
  secret,
  kept,
  onKept,
}: {
  secret: string;
  /** Whether it was copied, or the person says that it is kept; where nobody asks, both are left out. */
  kept?: boolean;
  onKept?: (kept: boolean) => void;
}) {
  return (
    <div className={classes.box}>
      <Text fw={600} size="sm">
        Signing secret, shown this once
      </Text>
      <div className={classes.secret}>
        <span className="mono">{secret}</span>
        <CopyButton text={secret} what="signing secret" onCopied={() => onKept?.(true)} />
      </div>
      <Text size="xs" c="dimmed">
        Give it to the receiver, which checks the signature of each request with it. If it is lost, rotate it to get
        another.
      </Text>
      {onKept && (
        <Checkbox
          mt={8}
          label="I have kept it"
          checked={kept ?? false}
          onChange={(e) => onKept(e.currentTarget.checked)}
        />
      )}
    </div>
  );
}
