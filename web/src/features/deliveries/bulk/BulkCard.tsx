import { CloseButton, Progress } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type BulkChange, bulkKey, bulkResendQuery, changeBulkResend } from "../../../api/bulkResends";
import { destinationsQuery } from "../../../api/destinations";
import { useMayNot } from "../../../api/session";
import type { BulkResend, BulkResendOutcomes } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { now } from "../../../time/clock";
import { Time } from "../../../time/Time";
import { span } from "../../../time/words";
import { ActionButton } from "../../../ui/act/ActionButton";
import { useAnnounce } from "../../../ui/act/Announcer";
import { ConfirmDialog } from "../../../ui/act/ConfirmDialog";
import { CopyId } from "../../../ui/code/CopyId";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { isolated } from "../../../words/bidi";
import { bulkStateWord } from "../../../words/labels";
import { searchOfBulk } from "../list/search";
import classes from "./BulkCard.module.css";
import { filterWords, outcomeWords, paceOf, progressOf, type Sample, sampled } from "./bulk";

/** A bulk re-send: what it is for, how far it is, what has come of it as far as that is known, and the ways to stop it. */
export function BulkCard({
  bulk,
  onClose,
}: {
  bulk: BulkResend & { outcomes?: BulkResendOutcomes };
  onClose?: (() => void) | undefined;
}) {
  const { state, total, resent, skipped, outcomes } = bulk;
  const { share } = progressOf(bulk);
  const results = searchOfBulk(bulk);
  const part = (n: number) => (total === 0 ? 0 : (n / total) * 100);
  return (
    <article className={classes.card} aria-label={`Bulk re-send, ${bulkStateWord[state].toLowerCase()}`}>
      <div className={classes.head}>
        <span className={classes.state} data-state={state}>
          {bulkStateWord[state]}
        </span>
        <span className={classes.what}>
          <What bulk={bulk} />
        </span>
        <BulkActions bulk={bulk} />
        {onClose && <CloseButton size="sm" aria-label="Close this bulk re-send" data-close onClick={onClose} />}
      </div>
      <Progress.Root size={6} radius={3} aria-hidden>
        <Progress.Section value={part(resent)} color="var(--accent)" />
        <Progress.Section value={part(skipped)} color="var(--line-strong)" />
      </Progress.Root>
      <div className={classes.facts}>
        <span className={classes.numbers}>
          {resent.toLocaleString()} re-sent, {skipped.toLocaleString()} skipped, of {total.toLocaleString()} (
          {Math.floor(share * 100)} %)
        </span>
        <PaceWords bulk={bulk} />
      </div>
      {outcomes && <Outcomes outcomes={outcomes} />}
      {skipped > 0 && (
        <p className={classes.note}>
          Skipped are those that had moved when their turn came: delivered meanwhile, re-sent otherwise, or their
          destination deleted.
        </p>
      )}
      {state === "done" && (
        <p className={classes.note}>
          {resent === 0 || outcomes?.open === 0
            ? "All are done."
            : "Each delivery was re-sent or skipped. Those that were re-sent go out now, or already have."}{" "}
          {results && (
            <Link to="/deliveries" search={results}>
              See what comes of them
            </Link>
          )}
        </p>
      )}
      <div className={classes.foot}>
        <span>
          Ordered by {isolated(bulk.requestedBy)}, <Time at={bulk.createdAt} />
        </span>
        {bulk.finishedAt !== null && (
          <span>
            {state === "cancelled" ? "Cancelled" : "Done"} <Time at={bulk.finishedAt} />
          </span>
        )}
        <CopyId id={bulk.id} what="bulk re-send ID" />
      </div>
    </article>
  );
}

function Outcomes({ outcomes }: { outcomes: BulkResendOutcomes }) {
  const words = outcomeWords(outcomes);
  return words === undefined ? null : <p className={classes.outcomes}>{words}</p>;
}

function What({ bulk }: { bulk: BulkResend }) {
  const { data: destinations = [] } = useQuery(destinationsQuery);
  const { filter, deliveryCount, again } = bulk;
  const nameOf = (id: string) => destinations.find((d) => d.id === id)?.displayName ?? "a deleted destination";
  const words =
    filter === null
      ? [`${(deliveryCount ?? 0).toLocaleString()} chosen one by one`]
      : filterWords(filter, nameOf, new Date(now()));
  return `${words.length > 0 ? words.join(" · ") : "All there were"}${again ? " · delivered ones, too" : ""}`;
}

/** How fast it goes, and how long it still takes. */
function PaceWords({ bulk }: { bulk: BulkResend }) {
  const { done, leftMs } = progressOf(bulk);
  const [samples, setSamples] = useState<Sample[]>([]);
  const newest = samples.at(-1);
  const at = Date.now();
  if (newest === undefined || (at - newest.at >= 1_000 && bulk.state === "running")) {
    setSamples(sampled(samples, { at, done }));
  }
  if (leftMs === undefined) {
    return <span>at most {bulk.perSecond.toLocaleString()} a second</span>;
  }
  const pace = Math.min(bulk.perSecond, paceOf(samples) ?? bulk.perSecond);
  if (pace === 0 && leftMs > 0) {
    return <span>It waits until its destinations have taken what was re-sent, or for new alerts, which go first.</span>;
  }
  return (
    <span>
      {pace < 10 ? Number(pace.toFixed(1)) : Math.round(pace)} a second, at most {bulk.perSecond.toLocaleString()}; no
      less than {span(leftMs + 999)} left
    </span>
  );
}

function BulkActions({ bulk }: { bulk: BulkResend }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const announce = useAnnounce();
  const mayNot = useMayNot("operate");
  const change = useAction({
    mutationFn: (to: BulkChange) => changeBulkResend(bulk.id, to),
    onSuccess: (answer) => {
      queries.setQueryData(bulkResendQuery(bulk.id).queryKey, (now) => now && { ...now, ...answer });
      announce(bulkStateWord[answer.state]);
      setAsking(false);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: bulkKey }),
  });
  if (bulk.finishedAt !== null && !asking) {
    return null;
  }
  const paused = bulk.state === "paused";
  return (
    <span className={classes.actions}>
      <ActionButton
        size="compact-xs"
        mayNot={mayNot}
        loading={change.isPending && change.variables !== "cancel"}
        onClick={() => change.mutate(paused ? "resume" : "pause")}
      >
        {paused ? "Go on" : "Pause"}
      </ActionButton>
      <ActionButton size="compact-xs" mayNot={mayNot} onClick={() => setAsking(true)}>
        Cancel…
      </ActionButton>
      {change.isError && !asking && <ProblemAlert title="That did not work" error={change.error} />}
      <ConfirmDialog
        opened={asking}
        onClose={() => {
          setAsking(false);
          change.reset();
        }}
        title="Cancel this bulk re-send?"
        confirm="Cancel the rest"
        dismiss="Keep it"
        danger
        pending={change.isPending}
        error={change.error}
        onConfirm={() => change.mutate("cancel")}
      >
        No more are re-sent. What was re-sent so far goes out, and the others stay as they are.
      </ConfirmDialog>
    </span>
  );
}
