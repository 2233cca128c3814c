import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useAnnounce } from "../act/Announcer";
import { toClipboard } from "./clipboard";

const denied = "Not copied: the browser does not allow it here. Select the text instead.";

/** Copies a text. `what` names it: "Copy alert ID". That it did not work stands beside it for a while. */
export function CopyButton({
  text,
  what,
  onCopied,
}: {
  text: string;
  what: string;
  onCopied?: (() => void) | undefined;
}) {
  const [copied, setCopied] = useState<boolean>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const announce = useAnnounce();
  const copy = async () => {
    const done = await toClipboard(text);
    announce(done ? "Copied" : denied);
    setCopied(done);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(undefined), done ? 1_200 : 6_000);
    if (done) {
      onCopied?.();
    }
  };
  return (
    <Tooltip label={denied} opened={copied === false} color="red.9" w={230}>
      <ActionIcon size={20} aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={copy}>
        {copied === true ? <IconCheck size={13} color="var(--ok)" /> : <IconCopy size={13} />}
      </ActionIcon>
    </Tooltip>
  );
}
