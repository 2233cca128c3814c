import { Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { asProblem } from "../../api/problem";
import { CopyId } from "../code/CopyId";
import classes from "./ProblemAlert.module.css";

/** An error, in the server's own words, with the request to quote and a way to try again. */
export function ProblemAlert({
  error,
  title,
  retry,
  retrying = false,
}: {
  error: unknown;
  title: string;
  retry?: (() => void) | undefined;
  /** Whether that was asked for and is under way. */
  retrying?: boolean;
}) {
  const problem = asProblem(error);
  return (
    <div role="alert" className={classes.alert}>
      <IconAlertTriangle size={16} aria-hidden className={classes.icon} />
      <div className={classes.body}>
        <Text fw={600} size="sm">
          {title}
        </Text>
        <Text size="sm">{problem.message}</Text>
        {problem.fieldErrors.length > 0 && (
          <ul className={classes.fields}>
            {problem.fieldErrors.map((e) => (
              <li key={`${e.field} ${e.code}`}>
                <span className="mono">{e.field}</span> {e.message}
              </li>
            ))}
          </ul>
        )}
        <Group gap="sm" mt={4}>
          {retry && (
            <Button variant="default" onClick={retry} loading={retrying}>
              Try again
            </Button>
          )}
          {problem.requestId !== "" && (
            <Text size="xs" c="dimmed" component="span" className={classes.request}>
              Request <CopyId id={problem.requestId} what="request ID" />
            </Text>
          )}
        </Group>
      </div>
    </div>
  );
}
