import { Menu, UnstyledButton } from "@mantine/core";
import { IconBook, IconLogout, IconUser } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { sessionQuery, signOut } from "../../api/session";
import { useAction } from "../../api/useAction";
import { exactly } from "../../time/words";
import { isolated } from "../../words/bidi";
import classes from "./UserMenu.module.css";

/** Who is signed in, what they may do, and the way out. */
export function UserMenu() {
  const { data: session } = useQuery(sessionQuery);
  const leave = useAction({
    mutationFn: signOut,
    // Nothing of what was seen stays in this page.
    onSuccess: () => window.location.assign("/sign-in"),
  });
  const name = isolated(session?.name ?? "");
  return (
    <Menu position="top-start" width={232}>
      <Menu.Target>
        <UnstyledButton className={classes.button} aria-label={`Account: ${name}`}>
          <IconUser size={16} stroke={1.7} aria-hidden />
          <span className={classes.name}>{name}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          Signed in as {name}
          <br />
          May: {session?.scopes.join(", ")}
          {session?.expiresAt && (
            <>
              <br />
              <span title={exactly(new Date(session.expiresAt))}>
                Until {new Date(session.expiresAt).toLocaleDateString(undefined, { dateStyle: "medium" })}
              </span>
            </>
          )}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component="a" href="/docs" leftSection={<IconBook size={14} />}>
          API documentation
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={14} />} closeMenuOnClick={false} onClick={() => leave.mutate()}>
          {leave.isError ? "Sign out (did not work, try again)" : "Sign out"}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
