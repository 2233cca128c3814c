import { Button, Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Empty } from "../../ui/page/Empty";
import { SkeletonLines } from "../../ui/page/Loaded";
import { ProblemAlert } from "../../ui/page/ProblemAlert";
import { CodeMissing } from "../page";
import { CodeMissingError } from "./CodeMissingError";
import classes from "./fallbacks.module.css";

/** There is no such page. */
export function NotFound() {
  return (
    <Empty title="There is no such page">
      <Link to="/">Go to the overview</Link>
    </Empty>
  );
}

/** A page is on its way. Before the shell is there, it has the window to itself. */
export function PagePending() {
  return (
    <div className={classes.pending}>
      <SkeletonLines lines={8} />
    </div>
  );
}

/** A page broke: its code could not be fetched, or it threw. */
export function PageError({ error }: { error: unknown }) {
  if (error instanceof CodeMissing) {
    return <CodeMissingError />;
  }
  return (
    <>
      <ProblemAlert title="This page could not be shown" error={error} />
      {error instanceof Error && (
        <Text size="xs" c="dimmed" mt="xs">
          In the page’s own words: <span className="mono">{error.message}</span>
        </Text>
      )}
      <Group mt="sm" gap="sm">
        <Button variant="default" onClick={() => window.location.reload()}>
          Reload
        </Button>
        <Link to="/">Go to the overview</Link>
      </Group>
    </>
  );
}
