import { CodeBlock } from "../../ui/code/CodeBlock";
import { Empty } from "../../ui/page/Empty";
import { postAlertCommand } from "../../words/postAlert";

/** What to do when there is no alert yet: post one. */
export function FirstAlert() {
  return (
    <Empty title="No alerts yet">
      <p>Alerts come in over the API. Post one with a token that may post alerts:</p>
      <div style={{ textAlign: "left" }}>
        <CodeBlock body={{ text: postAlertCommand(window.location.origin) }} what="command" plain />
      </div>
    </Empty>
  );
}
