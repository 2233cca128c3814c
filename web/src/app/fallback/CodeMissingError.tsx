import { Group } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { Problem, unreachable } from "../../api/problem";
import { reach } from "../../api/session";
import { useChanges } from "../../live/useLive";
import { ProblemAlert } from "../../ui/page/ProblemAlert";

const gone = new Problem({
  status: 0,
  code: "unreadable",
  detail: "Its code could not be fetched, although Belfry answers.",
});

/**
 * The code of a page could not be fetched. Only a reload fetches it anew, after an upgrade as well as after a failure;
 * it waits until Belfry answers, and comes by itself then.
 */
export function CodeMissingError() {
  const queries = useQueryClient();
  const [trying, setTrying] = useState(false);
  const [problem, setProblem] = useState(unreachable);
  const retry = useCallback(
    async (byItself: boolean) => {
      setTrying(true);
      const answers = (await reach(queries)) !== "unreachable";
      if (answers && !(byItself && reloadedJustNow())) {
        noteReload();
        window.location.reload();
        return;
      }
      setProblem(answers ? gone : unreachable());
      setTrying(false);
    },
    [queries],
  );
  useEffect(() => void retry(true), [retry]);
  useChanges((change) => change.kind === "many" && void retry(true));
  return (
    <>
      <ProblemAlert
        title="This page could not be fetched"
        error={problem}
        retry={() => void retry(false)}
        retrying={trying}
      />
      <Group mt="sm">
        <Link to="/">Go to the overview</Link>
      </Group>
    </>
  );
}

// A page that cannot be fetched from a Belfry that answers must not reload for ever.

const storageKey = "belfry-reloaded";
const again = 60_000;

function reloadedJustNow(): boolean {
  try {
    return Date.now() - Number(sessionStorage.getItem(storageKey)) < again;
  } catch {
    return true; // storage is blocked: without a note of it none is made by itself
  }
}

function noteReload(): void {
  try {
    sessionStorage.setItem(storageKey, String(Date.now()));
  } catch {
    // As above.
  }
}
