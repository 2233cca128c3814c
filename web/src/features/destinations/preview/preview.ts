import { type AlertType, alertTypes, type Header, type Severity, severities } from "../../../api/types";
import { sentHeaders } from "../fields/headers";
import type { FormValues } from "../form/form";

const exampleId = "6c1f0f2e4f0a4b1c9a3d5e7b8c9d0e1f";

/** What a receiver gets of an alert that this destination takes: an example. */
export type Preview = { headers: Header[]; body: string };

/** The request that a destination makes, with example values. Secrets are masked, as they are in an attempt. */
export function previewOf(v: FormValues, version: string, origin: string): Preview {
  const custom = sentHeaders(v.headers)
    .filter((h) => h.name.trim() !== "")
    .map((h) => ({ name: h.name.trim(), value: "****" }));
  return {
    headers: [
      { name: "Content-Type", value: "application/json" },
      { name: "User-Agent", value: `Belfry/${version}` },
      { name: "webhook-id", value: "0193511e-7b2a-7c51-9f0e-3f6f0b8d2a11" },
      { name: "webhook-timestamp", value: "1772452800" },
      { name: "webhook-signature", value: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=" },
      { name: "Belfry-Attempt", value: "1" },
      ...custom,
    ],
    body: JSON.stringify(payloadOf(firstOf(severities, v.severities), firstOf(alertTypes, v.alertTypes), origin)),
  };
}

/** The twelve fields that are always there, in the order in which they are sent. */
function payloadOf(severity: Severity, type: AlertType, origin: string) {
  return {
    id: "AWS.Root.Login",
    createdAt: "2026-03-02T12:00:00Z",
    severity,
    type,
    link: `${origin}/alerts/${exampleId}`,
    title: "Root user signed in without MFA",
    name: "Root login",
    alertId: exampleId,
    description: "The root user of an account signed in to its console.",
    runbook: "Find out who it was, then rotate the credentials.",
    tags: ["Identity & Access Management"],
    version: "CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0",
    alertContext: { sourceIp: "203.0.113.7" },
  };
}

function firstOf<T>(known: readonly T[], chosen: readonly T[]): T | (typeof known)[number] {
  const found = known.find((k) => chosen.includes(k)) ?? known[0];
  if (found === undefined) {
    throw new Error("nothing is known"); // both lists above have entries
  }
  return found;
}
