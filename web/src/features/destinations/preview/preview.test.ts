import { expect, test } from "vitest";
import { sampleField, sampleType } from "../sample";
import { previewOf, unsigned } from "./preview";

test("the example has the headers that are entered, and shows no secret", () => {
  const type = { ...sampleType, fields: [...sampleType.fields, sampleField("plain", { kind: "headers" })] };
  const headers = previewOf(type, {
    headers: {
      as: "headers",
      headers: [
        { key: "1", name: "X-API-Key", value: "example-value", stored: "no" },
        { key: "2", name: "X-Old", value: "", stored: "remove" },
        { key: "3", name: "X-Kept", value: "", stored: "keep" },
        { key: "4", name: " ", value: "", stored: "no" },
      ],
    },
    plain: { as: "headers", headers: [{ key: "5", name: "X-Team", value: " blue ", stored: "no" }] },
  });
  expect(headers).toEqual([
    { name: "Content-Type", value: "application/json" },
    { name: "X-API-Key", value: "****" },
    { name: "X-Kept", value: "****" },
    { name: "X-Team", value: "blue" },
  ]);
});

test("a command leaves out the signature of the example", () => {
  const id = { name: "webhook-id", value: "a-1" };
  expect(unsigned([id, { name: "Webhook-Signature", value: "v1,abc" }])).toEqual([id]);
});
