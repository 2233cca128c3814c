import { CodeBlock } from "../parts/CodeBlock";
import { Empty } from "../parts/Empty";

/** What to do when there is no alert yet: post one. */
export function FirstAlert() {
  const command = `curl ${window.location.origin}/api/v1/alerts \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"id":"My.First.Rule","severity":"HIGH","type":"RULE","title":"A first alert"}'`;
  return (
    <Empty title="No alerts yet">
      <p>Alerts come in over the API. Post one with a token that may post alerts:</p>
      <div style={{ textAlign: "left" }}>
        <CodeBlock body={{ text: command }} what="command" />
      </div>
    </Empty>
  );
}
