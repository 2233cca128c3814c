import { ActionIcon } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useState } from "react";
import { useAnnounce } from "./Announcer";

/** Copies a text. `what` names it: "Copy alert ID". */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  const announce = useAnnounce();
  const copy = async () => {
    const done = await toClipboard(text);
    announce(done ? "Copied" : "The browser does not allow copying here: select the text instead");
    setCopied(done);
    setTimeout(() => setCopied(false), 1_200);
  };
  return (
    <ActionIcon size={20} aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={copy}>
      {copied ? <IconCheck size={13} color="var(--ok)" /> : <IconCopy size={13} />}
    </ActionIcon>
  );
}

/** The clipboard API exists only on https and on localhost; a console on plain http in a network copies the old way. */
async function toClipboard(text: string): Promise<boolean> {
  if (window.isSecureContext) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
