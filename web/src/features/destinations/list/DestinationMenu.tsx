import { ActionIcon, Menu } from "@mantine/core";
import {
  IconCopy,
  IconDotsVertical,
  IconKey,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconSend,
  IconTrash,
} from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useMayNot } from "../../../api/session";
import type { Destination } from "../../../api/types";
import { useAnnounce } from "../../../ui/act/Announcer";
import { toClipboard } from "../../../ui/code/clipboard";
import { isolated } from "../../../words/bidi";
import { type DestinationDialog, DestinationDialogs } from "../dialogs/DestinationDialogs";

/** All that can be done with a destination. */
export function DestinationMenu({ destination }: { destination: Destination }) {
  const [dialog, setDialog] = useState<DestinationDialog>();
  const navigate = useNavigate();
  const announce = useAnnounce();
  const mayNotOperate = useMayNot("operate");
  const mayNotAdmin = useMayNot("admin");
  const reason = mayNotOperate ?? mayNotAdmin;
  const { id, displayName, state } = destination;
  const paused = state === "paused";
  const [copied, setCopied] = useState<boolean>();
  const copy = () =>
    void toClipboard(id).then((done) => {
      setCopied(done);
      announce(done ? "Copied" : "Not copied");
    });
  return (
    <>
      <Menu position="bottom-end" onOpen={() => setCopied(undefined)}>
        <Menu.Target>
          <ActionIcon aria-label={`What to do with ${isolated(displayName)}`}>
            <IconDotsVertical size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {reason !== undefined && <Menu.Label maw={280}>{reason}</Menu.Label>}
          <Item icon={<IconSend size={14} />} mayNot={mayNotOperate} onClick={() => setDialog("test")}>
            Send Test Alert
          </Item>
          <Item
            icon={<IconPencil size={14} />}
            mayNot={mayNotAdmin}
            onClick={() => void navigate({ to: "/destinations/$destinationId/edit", params: { destinationId: id } })}
          >
            Edit
          </Item>
          <Item
            icon={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
            mayNot={mayNotOperate}
            onClick={() => setDialog(paused ? "resume" : "pause")}
          >
            {paused ? "Resume…" : "Pause…"}
          </Item>
          <Item icon={<IconRefresh size={14} />} mayNot={mayNotOperate} onClick={() => setDialog("resend")}>
            Re-send what failed…
          </Item>
          <Item icon={<IconKey size={14} />} mayNot={mayNotAdmin} onClick={() => setDialog("rotate")}>
            Rotate signing secret…
          </Item>
          {/* It stays open, and says what came of it. */}
          <Item icon={<IconCopy size={14} />} stays onClick={copy}>
            {copied === undefined ? "Copy ID" : copied ? "Copied" : "Not copied: the browser does not allow it"}
          </Item>
          <Menu.Divider />
          <Item icon={<IconTrash size={14} />} danger mayNot={mayNotAdmin} onClick={() => setDialog("delete")}>
            Delete…
          </Item>
        </Menu.Dropdown>
      </Menu>
      <DestinationDialogs destination={destination} open={dialog} onClose={() => setDialog(undefined)} />
    </>
  );
}

/** An item. Why one cannot be chosen stands once, at the head of the menu. */
function Item({
  icon,
  mayNot,
  danger = false,
  stays = false,
  onClick,
  children,
}: {
  icon: ReactNode;
  mayNot?: string | undefined;
  danger?: boolean;
  /** Whether the menu stays open. */
  stays?: boolean;
  onClick: () => void;
  children: string;
}) {
  return (
    <Menu.Item
      leftSection={icon}
      color={danger ? "var(--bad)" : undefined}
      disabled={mayNot !== undefined}
      closeMenuOnClick={!stays}
      onClick={onClick}
    >
      {children}
    </Menu.Item>
  );
}
