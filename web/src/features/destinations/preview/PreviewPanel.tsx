import { useDeferredValue } from "react";
import type { DestinationTypeInfo } from "../../../api/types";
import { CodeBlock } from "../../../ui/code/CodeBlock";
import { CopyButton } from "../../../ui/code/CopyButton";
import { curlOf } from "../../deliveries/attempt/curl";
import { HeaderList } from "../../deliveries/attempt/HeaderList";
import type { FormValues } from "../form/form";
import classes from "./PreviewPanel.module.css";
import { previewOf, unsigned } from "./preview";

/** What an alert looks like to the receiver, as far as the type can tell without the settings. */
export function PreviewPanel({ type, values }: { type: DestinationTypeInfo; values: FormValues }) {
  const headers = previewOf(type, useDeferredValue(values).settings);
  const sent = unsigned(headers);
  const { example } = type;
  if (example === undefined) {
    return <p className={classes.note}>It depends on the settings: a test shows the request that was sent.</p>;
  }
  return (
    <div className={classes.preview}>
      <div className={classes.line}>
        <span>
          <span className="mono">{example.method}</span> <span className="dim">for each alert it takes</span>
        </span>
        <span className={classes.copy}>
          Copy as curl <CopyButton text={curlOf(example.method, sent, example.body)} what="as curl" />
        </span>
      </div>
      <HeaderList headers={headers} />
      {example.body !== null && <CodeBlock body={{ text: example.body }} what="example request body" maxHeight={340} />}
      <p className={classes.note}>
        An example.{" "}
        {sent.length < headers.length &&
          "Its signature is one too, and the command has none: a receiver that checks signatures refuses both. "}
        A test shows the request that was sent.
      </p>
    </div>
  );
}
