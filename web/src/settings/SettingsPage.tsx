import { PageHead } from "../parts/PageHead";

export function SettingsPage() {
  return <PageHead title="Settings" />;
}
