import { expect, test } from "vitest";
import type { AuditEntry } from "../../../api/types";
import { auditWords } from "./audit";

const entry = (action: string, detail: Record<string, unknown>): AuditEntry => ({
  id: "01956a3e-88b1-7d22-9c64-2a7f10c4e5d1",
  at: "2026-03-02T12:00:00Z",
  actor: "ada",
  action,
  subjectType: "destination",
  subjectId: "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001",
  detail,
  requestId: "4f6f1c0e9b3a4d52",
});
const before = entry("destination.create", { displayName: "SOAR", severities: ["HIGH"], limits: { maxInFlight: 8 } });

test("a change says what it changed, by what was before", () => {
  const after = { displayName: "SOAR", severities: ["LOW"], limits: { maxInFlight: 9 } };
  expect(auditWords(entry("destination.update", after), before)).toBe("Changed Severity Levels, Limits");
  expect(auditWords(entry("destination.update", before.detail), before)).toBe("Changed the value of a secret");
  expect(auditWords(entry("destination.update", after), undefined)).toBe("Changed");
});

test("other actions have their words, and one that is not known its name", () => {
  expect(auditWords(before, undefined)).toBe("Created");
  expect(auditWords(entry("destination.rotate_signing_secret", {}), before)).toBe("Rotated the signing secret");
  expect(auditWords(entry("destination.resume", { discarded: 12 }), before)).toBe("Resumed, and discarded 12");
  expect(auditWords(entry("destination.other", {}), before)).toBe("destination.other");
});
