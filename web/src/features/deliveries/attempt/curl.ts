import type { Header } from "../../../api/types";

const masked = "****";

/**
 * The request of an attempt as a shell command. What Belfry keeps secret, the URL and the values of headers, stands as
 * variables to be set first.
 */
export function curlOf(method: string, headers: readonly Header[], body: string | null): string {
  const lines = [`curl -X ${method} "$URL"`];
  const variables = ["URL"];
  for (const { name, value } of headers) {
    if (name.toLowerCase() === "accept-encoding") {
      lines.push("--compressed");
    } else if (value === masked) {
      const variable = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
      variables.push(variable);
      lines.push(`-H "${name}: $${variable}"`);
    } else {
      lines.push(`-H ${quote(`${name}: ${value}`)}`);
    }
  }
  if (body !== null) {
    lines.push(`--data-binary ${quote(body)}`);
  }
  const set = variables.map((v) => `${v}=…`).join(" ");
  return `# Set first what Belfry keeps secret: ${set}\n${lines.join(" \\\n  ")}`;
}

/** Quotes for a POSIX shell: nothing in single quotes means anything but a single quote. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
