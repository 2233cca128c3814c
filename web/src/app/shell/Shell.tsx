import { AppShell, Burger, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { sessionQuery } from "../../api/session";
import { useLiveConnection } from "../../live/useLive";
import { Announcer } from "../../ui/act/Announcer";
import { useShortcuts, useShortcutsSwitch } from "../shortcuts";
import { HelpDialog } from "./HelpDialog";
import { LiveMark } from "./LiveMark";
import { Nav } from "./Nav";
import { SessionEnded } from "./SessionEnded";
import classes from "./Shell.module.css";

/** What is around every page: navigation, keys, the live connection, and what to do when the session ends. */
export function Shell() {
  const [navOpen, nav] = useDisclosure();
  const [helpOpen, help] = useDisclosure();
  const [shortcuts, setShortcuts] = useShortcutsSwitch();
  const { data: session } = useQuery(sessionQuery);
  useShortcuts(shortcuts, help.open);
  useLiveConnection();
  return (
    <Announcer>
      <a href="#main" className={classes.skip}>
        Skip to the content
      </a>
      <AppShell
        layout="alt"
        header={{ height: { base: 48, sm: 0 } }}
        navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !navOpen } }}
        padding={0}
        transitionDuration={0}
      >
        <AppShell.Header hiddenFrom="sm" className={classes.header}>
          <Group h="100%" px="sm" gap="sm">
            <Burger opened={navOpen} onClick={nav.toggle} size="sm" aria-label="Navigation" />
            <Link to="/" className={classes.brand}>
              Belfry
            </Link>
            <LiveMark />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar className={classes.navbar} data-open={navOpen || undefined}>
          <Nav onNavigate={nav.close} onHelp={help.open} />
        </AppShell.Navbar>
        <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
          <div className={classes.page}>
            <Outlet />
          </div>
        </AppShell.Main>
      </AppShell>
      <HelpDialog opened={helpOpen} onClose={help.close} on={shortcuts} setOn={setShortcuts} />
      <SessionEnded ended={session === null} />
    </Announcer>
  );
}
