import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { expect, test } from "vitest";
import { sampleType } from "../sample";
import { inputOf, newForm } from "./form";
import { LimitsFields } from "./LimitsFields";
import { validate } from "./validate";

function Form() {
  const [values, setValues] = useState(newForm);
  const errors = validate(values, sampleType, undefined, []);
  const errorOf = (path: string) => errors.get(path);
  return (
    <>
      <LimitsFields values={values} onChange={(to) => setValues((v) => ({ ...v, ...to }))} errorOf={errorOf} />
      <output>{JSON.stringify(inputOf(values, sampleType).limits?.ratePerSecond)}</output>
    </>
  );
}

/** Types as a person does, one key after the other. */
function type(label: string, text: string): string {
  const field = screen.getByRole<HTMLInputElement>("textbox", { name: label, hidden: true });
  for (let n = 1; n <= text.length; n++) {
    fireEvent.change(field, { target: { value: text.slice(0, n) } });
  }
  return field.value;
}

test.each([
  ["0.5", "0.5"],
  ["0.05", "0.05"],
])("a rate of %s is that rate", (text, sent) => {
  render(<Form />, { wrapper: MantineProvider });
  expect(type("Rate per second", text)).toBe(text);
  expect(screen.getByRole("status").textContent).toBe(sent);
  expect(screen.queryByText(/^A number from/)).toBeNull();
});

test.each([
  ["Rate per second", "-3", /^A number from 0.01/],
  ["Rate per second", "1e2", /^A number from 0.01/],
  ["Rate per second", "0,5", /^With a point/],
  ["In flight, at most", "1e3", /^A whole number from 1 to 1,000/],
])("%s: %s is refused, and stays as it was typed", (label, text, message) => {
  render(<Form />, { wrapper: MantineProvider });
  expect(type(label, text)).toBe(text);
  expect(screen.getByText(message)).toBeTruthy();
});

test("why there is no burst is said", () => {
  render(<Form />, { wrapper: MantineProvider });
  expect(screen.getByText("It needs a rate. Enter one first.")).toBeTruthy();
});
