import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

// Single keys. Pages take part by marking elements, so that a page needs no code for them:
//   [data-search]          the field that "/" goes to
//   [data-row]             a row that "j" and "k" move between: focus goes to its first link or button
//   [data-shortcut="r"]    pressed by that key: within the focused row, else the only one on the page; Space on a
//                          row's link is "x"
//   [data-close]           pressed by Esc; the last one on the page wins

const storageKey = "belfry-shortcuts";

/** Whether single keys do something. People who dictate or use a screen reader may have to switch them off. */
export function useShortcutsSwitch(): [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(readSwitch);
  const set = (next: boolean) => {
    setOn(next);
    try {
      localStorage.setItem(storageKey, next ? "on" : "off");
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
  };
  return [on, set];
}

function readSwitch(): boolean {
  try {
    return localStorage.getItem(storageKey) !== "off";
  } catch {
    return true;
  }
}

/** Listens for single keys while they are switched on. */
export function useShortcuts(on: boolean, showHelp: () => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || inDialog()) {
        return;
      }
      if (event.key === "Escape") {
        leave(event);
        return;
      }
      if (!on || typing(event.target)) {
        return;
      }
      switch (event.key) {
        case "?":
          showHelp();
          break;
        case "/":
          event.preventDefault();
          if (!focusSearch()) {
            void navigate({ to: "/alerts" }).then(() => setTimeout(focusSearch, 50));
          }
          break;
        case " ":
          if (onLinkOfRow(event.target)) {
            event.preventDefault();
            press("x");
          }
          break;
        case "j":
        case "k":
          move(event.key === "j" ? 1 : -1);
          break;
        default:
          press(event.key);
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [on, showHelp, navigate]);
}

function inDialog(): boolean {
  return document.querySelector('[role="dialog"][aria-modal="true"]') !== null;
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.matches('input:not([type="checkbox"], [type="radio"]), textarea, select') || target.isContentEditable)
  );
}

/** There the space key would only scroll; on a button or a box it does what it always does. */
function onLinkOfRow(target: EventTarget | null): boolean {
  return target instanceof HTMLAnchorElement && target.closest("[data-row]") !== null;
}

function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>("[data-search]");
  field?.focus();
  field?.select();
  return field !== null;
}

/** Esc leaves a field first, and then closes what was opened last. */
function leave(event: KeyboardEvent) {
  if (typing(event.target) && event.target instanceof HTMLElement) {
    event.target.blur();
    return;
  }
  if (event.target instanceof Element && event.target.closest('[role="dialog"], [role="menu"]')) {
    return; // it closes by itself
  }
  [...document.querySelectorAll<HTMLElement>("[data-close]")].at(-1)?.click();
}

/** Moves the focus to the next row, so that Enter, Tab and screen readers go on from there. */
export function move(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = at === -1 ? rows[0] : rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  const target = row?.querySelector<HTMLElement>("a, button");
  target?.focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
}

function press(key: string) {
  if (!/^[a-z]$/.test(key)) {
    return;
  }
  const selector = `[data-shortcut="${key}"]`;
  const row = document.activeElement?.closest("[data-row]");
  const inRow = row?.querySelector<HTMLElement>(selector);
  const all = document.querySelectorAll<HTMLElement>(selector);
  (inRow ?? (all.length === 1 ? all[0] : undefined))?.click();
}
