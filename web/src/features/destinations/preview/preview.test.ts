import { expect, test } from "vitest";
import { newForm } from "../form/form";
import { previewOf } from "./preview";

test("the example fits the destination's filters and shows no secret", () => {
  const preview = previewOf(
    {
      ...newForm,
      severities: ["LOW"],
      alertTypes: ["POLICY"],
      headers: [
        { key: "1", name: "X-API-Key", value: "example-value", stored: "no" },
        { key: "2", name: "X-Old", value: "", stored: "remove" },
        { key: "3", name: "X-Kept", value: "", stored: "keep" },
      ],
    },
    "1.0.0",
    "https://belfry.example.com",
  );
  expect(preview.headers.slice(6)).toEqual([
    { name: "X-API-Key", value: "****" },
    { name: "X-Kept", value: "****" },
  ]);
  expect(JSON.stringify(preview)).not.toContain("example-value");
  const body: Record<string, unknown> = JSON.parse(preview.body);
  expect(body).toMatchObject({ severity: "LOW", type: "POLICY", link: expect.stringContaining("belfry.example.com") });
  expect(Object.keys(body)).toHaveLength(13);
});
