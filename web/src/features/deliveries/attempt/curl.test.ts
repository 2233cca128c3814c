import { expect, test } from "vitest";
import { curlOf } from "./curl";

test("a request becomes a command without secrets that a shell reads as it is meant", () => {
  const text = curlOf(
    "PUT",
    [
      { name: "Accept-Encoding", value: "gzip" },
      { name: "Content-Type", value: "application/json" },
      { name: "X-API-Key", value: "****" },
      { name: "X-Quote", value: "it's $HOME" },
    ],
    `{"title":"it's"}`,
  );
  expect(text).toBe(
    [
      "# Set first what Belfry keeps secret: URL=… X_API_KEY=…",
      'curl -X PUT "$URL" \\',
      "  --compressed \\",
      "  -H 'Content-Type: application/json' \\",
      '  -H "X-API-Key: $X_API_KEY" \\',
      "  -H 'X-Quote: it'\\''s $HOME' \\",
      `  --data-binary '{"title":"it'\\''s"}'`,
    ].join("\n"),
  );
});

test("without a body none is sent", () => {
  expect(curlOf("POST", [], null)).not.toContain("--data");
});
