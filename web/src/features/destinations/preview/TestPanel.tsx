import { Group, Select, Stack } from "@mantine/core";
import { useState } from "react";
import type { TestInput } from "../../../api/destinations";
import { type AlertType, type Attempt, alertTypes, type Severity, severities } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { duration } from "../../../time/words";
import { ActionButton } from "../../../ui/act/ActionButton";
import { useAnnounce } from "../../../ui/act/Announcer";
import { SkeletonLines } from "../../../ui/page/Loaded";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { outcomeSentence } from "../../../words/classes";
import { alertTypeWord, severityWord } from "../../../words/labels";
import { classWord } from "../../../words/status";
import { AttemptBody } from "../../deliveries/attempt/AttemptView";
import classes from "./TestPanel.module.css";

/** Sends a test alert and shows the whole answer, whatever it is. */
export function TestPanel({
  send,
  of = "",
  mayNot,
  severity: firstSeverity = "INFO",
  alertType: firstType = "RULE",
}: {
  /** Sends it, and returns the attempt that was made of it. */
  send: (input: TestInput) => Promise<Attempt>;
  /** What is tested, in any form: what came of a test is of what it was then. */
  of?: string;
  /** Why it cannot be sent. */
  mayNot?: string | undefined;
  severity?: Severity;
  alertType?: AlertType;
}) {
  const [severity, setSeverity] = useState<Severity>(firstSeverity);
  const [alertType, setAlertType] = useState<AlertType>(firstType);
  const announce = useAnnounce();
  const test = useAction({
    mutationFn: (_of: string) => send({ severity, alertType }),
    onSuccess: (a) => announce(`Test: ${a.statusCode === null ? classWord[a.class] : `answered ${a.statusCode}`}`),
  });
  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-end">
        <Select
          label="Severity"
          w={110}
          data={severities.map((s) => ({ value: s, label: severityWord[s] }))}
          value={severity}
          onChange={(v) => setSeverity(severities.find((s) => s === v) ?? "INFO")}
          allowDeselect={false}
        />
        <Select
          label="Alert type"
          w={190}
          data={alertTypes.map((t) => ({ value: t, label: alertTypeWord[t] }))}
          value={alertType}
          onChange={(v) => setAlertType(alertTypes.find((t) => t === v) ?? "RULE")}
          allowDeselect={false}
        />
        <ActionButton mayNot={mayNot} loading={test.isPending} onClick={() => test.mutate(of)}>
          Send Test Alert
        </ActionButton>
      </Group>
      {mayNot !== undefined && <p className={classes.mayNot}>It cannot be sent yet. {mayNot}</p>}
      {test.isPending && <SkeletonLines lines={4} />}
      {test.isError && <ProblemAlert title="The test could not be sent" error={test.error} />}
      {!test.isPending && test.data && (
        <>
          {test.variables !== of && <p className={classes.stale}>The settings were changed since this test.</p>}
          <TestResult attempt={test.data} />
        </>
      )}
    </Stack>
  );
}

function TestResult({ attempt }: { attempt: Attempt }) {
  const acked = attempt.class === "acked";
  return (
    <section aria-label="What came of the test" className={classes.result}>
      <div className={classes.head} data-acked={acked || undefined}>
        <strong>
          {attempt.statusCode === null
            ? classWord[attempt.class]
            : `${attempt.statusCode} · ${classWord[attempt.class]}`}
        </strong>{" "}
        after {duration(attempt.durationMs)}
      </div>
      <p className={classes.sentence}>{testSentence(attempt)}</p>
      {attempt.error !== null && <p className={`mono ${classes.error}`}>{attempt.error}</p>}
      <AttemptBody attempt={attempt} />
    </section>
  );
}

/** As for any attempt, but that a test is not tried again. */
function testSentence(attempt: Attempt): string {
  const { class: outcome, statusCode } = attempt;
  if (outcome === "acked") {
    return "The destination acknowledged the test alert.";
  }
  if (outcome === "interrupted") {
    return "Belfry stopped while the test was under way. Send it again.";
  }
  if (statusCode !== null && (statusCode >= 500 || statusCode === 408 || statusCode === 429)) {
    return "The receiver, or something before it, could not take it now. An alert would be tried again; a test is not.";
  }
  return outcomeSentence(attempt);
}
