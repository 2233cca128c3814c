/**
 * Copies a text, and returns whether that worked. The clipboard API is there only on https and on localhost, and may be
 * denied; a console on plain http in a network copies the old way.
 */
export async function toClipboard(text: string): Promise<boolean> {
  // The type says that it is always there.
  const { clipboard } = navigator as { clipboard?: Clipboard };
  try {
    if (clipboard !== undefined) {
      await clipboard.writeText(text);
      return true;
    }
  } catch {
    // Denied: the old way has other rules.
  }
  return bySelection(text);
}

function bySelection(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true; // no keyboard comes up on a phone
  area.style.position = "fixed";
  area.style.opacity = "0";
  // Within a dialog, which keeps the focus to itself.
  (before?.closest('[role="dialog"]') ?? document.body).append(area);
  area.focus({ preventScroll: true });
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    if (before instanceof HTMLElement) {
      before.focus({ preventScroll: true });
    }
  }
}
