import { useQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { serverQuery } from "../../../api/server";
import { CodeBlock } from "../../../ui/code/CodeBlock";
import { CopyButton } from "../../../ui/code/CopyButton";
import { curlOf } from "../../deliveries/attempt/curl";
import { HeaderList } from "../../deliveries/attempt/HeaderList";
import type { FormValues } from "../form/form";
import classes from "./PreviewPanel.module.css";
import { previewOf } from "./preview";

/** What an alert looks like to the receiver. */
export function PreviewPanel({ values }: { values: FormValues }) {
  const { data: server } = useQuery(serverQuery);
  const { headers, body } = previewOf(useDeferredValue(values), server?.version ?? "…", window.location.origin);
  // A signature is made with the secret, which is not here.
  const curl = curlOf(
    headers.filter((h) => h.name !== "webhook-signature"),
    body,
  );
  return (
    <div className={classes.preview}>
      <div className={classes.line}>
        <span>
          <span className="mono">POST</span> <span className="dim">to the URL, once for each alert it takes</span>
        </span>
        <span className={classes.copy}>
          Copy as curl <CopyButton text={curl} what="as curl" />
        </span>
      </div>
      <HeaderList headers={headers} />
      <CodeBlock body={{ text: body }} what="example request body" maxHeight={340} />
      <p className={classes.note}>
        <span className="mono">alertContext</span> is there only when the alert has one. A repeated try has the same{" "}
        <span className="mono">webhook-id</span>. Any 2xx acknowledges the alert; everything else is tried again. The
        curl has no signature, as it needs the secret.
      </p>
    </div>
  );
}
