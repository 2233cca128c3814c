import { ActionIcon, Burger } from "@mantine/core";
import { IconBell, IconHelpCircle, IconLayoutDashboard, IconRoute, IconSend, IconSettings } from "@tabler/icons-react";
import { Link, type LinkProps } from "@tanstack/react-router";
import { LiveMark } from "./LiveMark";
import classes from "./Nav.module.css";
import { SchemeMenu } from "./SchemeMenu";
import { UserMenu } from "./UserMenu";

type Entry = { to: LinkProps["to"]; label: string; icon: typeof IconBell };

const entries: { group?: string; items: Entry[] }[] = [
  {
    items: [
      { to: "/", label: "Overview", icon: IconLayoutDashboard },
      { to: "/alerts", label: "Alerts", icon: IconBell },
      { to: "/deliveries", label: "Deliveries", icon: IconSend },
    ],
  },
  {
    group: "Configure",
    items: [
      { to: "/destinations", label: "Alert Destinations", icon: IconRoute },
      { to: "/settings", label: "Settings", icon: IconSettings },
    ],
  },
];

/** The way to every page, and at its foot who is signed in. */
export function Nav({ onNavigate, onHelp }: { onNavigate: () => void; onHelp: () => void }) {
  return (
    <>
      <div className={classes.top}>
        <Burger opened onClick={onNavigate} size="sm" hiddenFrom="sm" aria-label="Close navigation" />
        <Link to="/" className={classes.brand} onClick={onNavigate}>
          <img src="/icon.svg" alt="" width={20} height={20} />
          Belfry
        </Link>
        <LiveMark />
      </div>
      <nav aria-label="Main" className={classes.nav}>
        {entries.map(({ group, items }) => (
          <div key={group ?? ""} className={classes.group}>
            {group !== undefined && <div className={classes.label}>{group}</div>}
            {items.map(({ to, label, icon: Icon }) => (
              <Link
                key={label}
                to={to}
                className={classes.link}
                activeOptions={{ exact: to === "/", includeSearch: false }}
                onClick={onNavigate}
              >
                <Icon size={16} stroke={1.7} aria-hidden />
                {label}
              </Link>
            ))}
          </div>
        ))}
      </nav>
      <div className={classes.foot}>
        <UserMenu />
        <SchemeMenu />
        <ActionIcon aria-label="Help with keys" title="Keys (?)" onClick={onHelp}>
          <IconHelpCircle size={16} stroke={1.7} />
        </ActionIcon>
      </div>
    </>
  );
}
