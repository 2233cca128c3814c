import type { Destination, DestinationTypeInfo, SettingsField } from "../../api/types";

/** For tests: a field of a type that does not exist. */
export function sampleField(name: string, more: Partial<SettingsField>): SettingsField {
  return { name, label: name, help: "", kind: "text", required: false, secret: false, ...more };
}

/** For tests: a type that does not exist, with a URL and headers. */
export const sampleType: DestinationTypeInfo = {
  type: "sample",
  name: "Sample Service",
  description: "Takes alerts, in tests.",
  fields: [
    sampleField("url", { label: "Service URL", kind: "url", required: true, secret: true, maxLength: 2048 }),
    sampleField("headers", { label: "Headers", kind: "headers", secret: true, maxItems: 20, maxLength: 4096 }),
  ],
  example: { method: "POST", headers: [{ name: "Content-Type", value: "application/json" }], body: "{}" },
};

/** For tests: a destination of that type. */
export const sampleDestination: Destination = {
  id: "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001",
  displayName: "SOAR",
  type: sampleType.type,
  state: "active",
  severities: ["HIGH", "CRITICAL"],
  alertTypes: ["RULE"],
  logTypes: ["AWS.CloudTrail"],
  overrideOnly: false,
  formerNames: [],
  usable: true,
  unusableReason: null,
  unusableMessage: null,
  limits: { maxInFlight: 8, ratePerSecond: 5, burst: 20, holdFailing: true },
  responseStorage: "full",
  settings: { url: "https://soar.example.com", headers: [{ name: "X-API-Key" }, { name: "X-Team" }] },
  storedSecrets: ["url", "headers"],
  signing: { createdAt: "2026-03-02T12:00:00Z", previousValidUntil: null },
  version: 3,
  createdAt: "2026-03-02T12:00:00Z",
  updatedAt: "2026-03-02T12:00:00Z",
};
