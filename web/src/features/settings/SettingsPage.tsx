import { Stack, Tabs } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { PageHead } from "../../ui/page/PageHead";
import { AuditLog } from "./AuditLog";
import { ServerPanels } from "./ServerPanels";
import { SessionPanel } from "./SessionPanel";
import { SessionsPanel } from "./SessionsPanel";
import { type SettingsTab, settingsTabs } from "./search";
import { TokensPanel } from "./TokensPanel";

const route = getRouteApi("/settings");

const tabWord: Record<SettingsTab, string> = {
  tokens: "API tokens",
  server: "Server",
  audit: "Audit log",
  session: "Sessions",
};

/** Who may call, how the server is set up, and who did what. */
export function SettingsPage() {
  const { tab = "tokens", ...search } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <PageHead title="Settings" />
      <Tabs
        value={tab}
        onChange={(next) => void navigate({ search: { tab: settingsTabs.find((t) => t === next) } })}
        keepMounted={false}
        mt={4}
      >
        <Tabs.List>
          {settingsTabs.map((t) => (
            <Tabs.Tab key={t} value={t}>
              {tabWord[t]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="tokens" pt="md">
          <TokensPanel />
        </Tabs.Panel>
        <Tabs.Panel value="server" pt="md">
          <ServerPanels />
        </Tabs.Panel>
        <Tabs.Panel value="audit" pt="xs">
          <AuditLog
            search={search}
            onSearch={(next) => void navigate({ search: { tab: "audit", ...next }, replace: true })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="session" pt="md">
          <Stack gap="md">
            <SessionPanel />
            <SessionsPanel />
          </Stack>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
