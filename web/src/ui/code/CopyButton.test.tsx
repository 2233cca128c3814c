import { MantineProvider } from "@mantine/core";
import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CopyButton } from "./CopyButton";

const copied: string[] = [];

/** What a browser does that copies what is selected. */
function copiesSelection() {
  document.execCommand = () => {
    const area = document.activeElement;
    return area instanceof HTMLTextAreaElement && copied.push(area.value) > 0;
  };
}

function clipboard(api: unknown) {
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: api });
}

beforeEach(() => {
  copied.length = 0;
});

afterEach(() => {
  Reflect.deleteProperty(document, "execCommand");
  Reflect.deleteProperty(navigator, "clipboard");
});

async function press() {
  render(<CopyButton text="a-1" what="alert ID" />, { wrapper: MantineProvider });
  const button = screen.getByRole("button", { name: "Copy alert ID" });
  button.focus();
  await act(async () => button.click());
  return button;
}

const denied = () => Promise.reject(new DOMException("denied", "NotAllowedError"));

test.each([
  ["the clipboard is not there", undefined],
  ["the clipboard is denied", { writeText: denied }],
])("when %s, it is copied by selecting it", async (_, api) => {
  clipboard(api);
  copiesSelection();
  const button = await press();
  expect(copied).toEqual(["a-1"]);
  expect(document.activeElement).toBe(button);
  expect(document.querySelector("textarea")).toBeNull();
  expect(screen.queryByText(/Not copied/)).toBeNull();
});

test("that nothing was copied is seen", async () => {
  clipboard({ writeText: denied });
  document.execCommand = vi.fn(() => false);
  await press();
  expect(await screen.findByText(/^Not copied/)).toBeTruthy();
});
