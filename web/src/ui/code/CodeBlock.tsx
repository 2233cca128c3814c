import { SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";
import { bytesOf, hexDump, prettyJSON } from "../../words/bytes";
import classes from "./CodeBlock.module.css";
import { CopyButton } from "./CopyButton";

/** What a body is: text, or bytes that are no text, in base64. */
export type Body = { text: string } | { base64: string };

type View = "pretty" | "raw" | "hex";

const hexAtMost = 16 * 1024;

/** A body to read: pretty when it is JSON, raw, or byte by byte. `what` names it: "response body". */
export function CodeBlock({
  body,
  what,
  maxHeight = 420,
  plain = false,
}: {
  body: Body;
  what: string;
  maxHeight?: number;
  /** Only as it is: nobody wants the bytes of a command. */
  plain?: boolean;
}) {
  const pretty = useMemo(() => ("text" in body ? prettyJSON(body.text) : undefined), [body]);
  const views: View[] = "text" in body ? (pretty === undefined ? ["raw", "hex"] : ["pretty", "raw", "hex"]) : ["hex"];
  const [chosen, setChosen] = useState<View>();
  const view = chosen !== undefined && views.includes(chosen) ? chosen : (views[0] ?? "raw");
  const bytes = useMemo(() => (view === "hex" ? bytesOf(body) : undefined), [body, view]);
  const shown = bytes
    ? hexDump(bytes.slice(0, hexAtMost))
    : view === "pretty"
      ? pretty
      : "text" in body
        ? body.text
        : "";
  return (
    <div className={classes.block}>
      <div className={classes.bar}>
        {plain ? (
          <span className="dim">{what.slice(0, 1).toUpperCase() + what.slice(1)}</span>
        ) : views.length > 1 ? (
          <SegmentedControl
            size="xs"
            aria-label={`How to show the ${what}`}
            value={view}
            onChange={(v) => setChosen(views.find((one) => one === v))}
            data={views.map((v) => ({ value: v, label: v === "pretty" ? "Pretty" : v === "raw" ? "Raw" : "Hex" }))}
          />
        ) : (
          <span className="dim">{"text" in body ? "" : "Not UTF-8"}</span>
        )}
        <CopyButton
          text={"text" in body ? body.text : body.base64}
          what={"text" in body ? what : `${what} in base64`}
        />
      </div>
      {/* What scrolls must be in reach of the keyboard. */}
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: see above */}
      <section className={classes.scroll} style={{ maxHeight }} tabIndex={0} aria-label={what}>
        <pre className={classes.code} data-hex={view === "hex" || undefined}>
          {shown === "" ? <span className="dim">(empty)</span> : shown}
        </pre>
      </section>
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: see above */}
      {bytes && bytes.length > hexAtMost && <div className={classes.note}>The first 16 KiB are shown.</div>}
    </div>
  );
}
