import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { attemptQuery } from "../../../api/deliveries";
import type { Attempt, AttemptSummary } from "../../../api/types";
import { Duration } from "../../../time/Duration";
import { type Body, CodeBlock } from "../../../ui/code/CodeBlock";
import { CopyButton } from "../../../ui/code/CopyButton";
import { CopyId } from "../../../ui/code/CopyId";
import { Loaded } from "../../../ui/page/Loaded";
import { size } from "../../../words/bytes";
import { outcomeSentence, waitSentence } from "../../../words/classes";
import { classWord } from "../../../words/status";
import classes from "./AttemptView.module.css";
import { curlOf } from "./curl";
import { HeaderList } from "./HeaderList";
import { TimingBar } from "./TimingBar";

/** One attempt of a delivery in full. What the summary has is there at once. */
export function AttemptView({ deliveryId, summary }: { deliveryId: string; summary: AttemptSummary }) {
  const query = useQuery(attemptQuery(deliveryId, summary.id));
  return (
    <section aria-label={`Attempt ${summary.number}`} className={classes.attempt}>
      <AttemptHead attempt={summary} />
      <Loaded query={query} what="The attempt" lines={8}>
        {(attempt) => <AttemptBody attempt={attempt} />}
      </Loaded>
    </section>
  );
}

/** What came of an attempt: in a word, and in a sentence that says what to do. */
export function AttemptHead({ attempt }: { attempt: AttemptSummary }) {
  return (
    <div className={classes.head}>
      <div className={classes.title}>
        <h3>Attempt #{attempt.number}</h3>
        <span className={classes.outcome} data-acked={attempt.class === "acked" || undefined}>
          {attempt.statusCode === null
            ? classWord[attempt.class]
            : `${attempt.statusCode} · ${classWord[attempt.class]}`}
        </span>
        <Duration ms={attempt.durationMs} />
        <CopyId id={attempt.id} what="attempt ID" />
      </div>
      <p className={classes.sentence}>{outcomeSentence(attempt)}</p>
      {attempt.waitReason !== null && (
        <p className="dim">
          {waitSentence[attempt.waitReason]}
          {attempt.waitedMs !== null &&
            (attempt.number === 1 ? (
              <>
                {" "}
                It waited <Duration ms={attempt.waitedMs} />.
              </>
            ) : (
              <>
                {" "}
                It came <Duration ms={attempt.waitedMs} /> after the one before.
              </>
            ))}
        </p>
      )}
      {attempt.error !== null && <p className={`mono ${classes.error}`}>{attempt.error}</p>}
    </div>
  );
}

/** The request, the response and the timing of an attempt. Tests of destinations show it too. */
export function AttemptBody({ attempt }: { attempt: Attempt }) {
  return (
    <>
      {attempt.stripped && (
        <p className={classes.banner}>Its body and headers are missing, because they could not be stored.</p>
      )}
      <Tabs defaultValue="response" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="request">Request</Tabs.Tab>
          <Tabs.Tab value="response">Response</Tabs.Tab>
          <Tabs.Tab value="timing">Timing</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="request" pt="sm">
          <RequestView attempt={attempt} />
        </Tabs.Panel>
        <Tabs.Panel value="response" pt="sm">
          <ResponseView attempt={attempt} />
        </Tabs.Panel>
        <Tabs.Panel value="timing" pt="sm">
          <TimingBar attempt={attempt} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function RequestView({ attempt }: { attempt: Attempt }) {
  return (
    <div className={classes.part}>
      <div className={classes.line}>
        <span className="mono">
          {attempt.requestMethod} {attempt.requestUrl !== null && `${attempt.requestUrl}/…`}
        </span>
        <span className="dim">{attempt.address === null ? "no address was dialled" : `to ${attempt.address}`}</span>
        <span className={classes.copy}>
          Copy as curl{" "}
          <CopyButton
            text={curlOf(attempt.requestMethod, attempt.requestHeaders, attempt.requestBody)}
            what="as curl"
          />
        </span>
      </div>
      {attempt.retriedStale && (
        <p className={classes.banner}>
          A kept connection turned out to be closed, so it was sent once more on a fresh one.
        </p>
      )}
      <HeaderList headers={attempt.requestHeaders} />
      {attempt.requestBody === null ? (
        <p className="dim">The body that was sent is not known any more.</p>
      ) : (
        <CodeBlock body={{ text: attempt.requestBody }} what="request body" />
      )}
      {attempt.requestBody !== null && attempt.requestBodyTruncated && (
        <p className="dim">The body was longer. Its first 64 KiB are stored.</p>
      )}
    </div>
  );
}

function ResponseView({ attempt }: { attempt: Attempt }) {
  if (attempt.statusCode === null) {
    return <p className="dim">No answer came.</p>;
  }
  const body = responseBody(attempt);
  return (
    <div className={classes.part}>
      <div className={classes.line}>
        <span className="mono">HTTP {attempt.statusCode}</span>
        <span className="dim">{size(attempt.responseSize)}</span>
      </div>
      {attempt.responseStorage !== "full" && <p className={classes.banner}>{notStored[attempt.responseStorage]}</p>}
      {attempt.responseStorage === "full" && attempt.responseTruncated && (
        <p className={classes.banner}>{truncation(attempt)}</p>
      )}
      {body && <CodeBlock body={body} what="response body" />}
      {attempt.responseStorage !== "none" && <HeaderList headers={attempt.responseHeaders} />}
      {attempt.responseHeadersTruncated && (
        <p className="dim">The answer had more headers. 16 KiB of them are stored.</p>
      )}
    </div>
  );
}

/** Why a part of an answer is missing that came. */
const notStored = {
  headers: "The body is not stored: the destination is set to keep headers only.",
  none: "Headers and body are not stored: the destination is set to keep neither.",
};

function responseBody(a: AttemptSummary): Body | undefined {
  if (a.responseBodyBase64 !== null) {
    return { base64: a.responseBodyBase64 };
  }
  return a.responseBody === null ? undefined : { text: a.responseBody };
}

/** How much of the answer is shown, with its true size. */
export function truncation(a: AttemptSummary): string {
  const shown =
    a.responseBody === null
      ? Math.floor(((a.responseBodyBase64?.length ?? 0) * 3) / 4)
      : new TextEncoder().encode(a.responseBody).length;
  return shown < a.responseSize
    ? `Showing the first ${size(shown)} of ${size(a.responseSize)}: no more is kept.`
    : `The answer broke off after ${size(shown)}.`;
}
