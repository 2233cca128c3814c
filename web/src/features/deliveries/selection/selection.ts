/** Which deliveries are chosen: some, or all that match the filters, also those that are not loaded. */
export type Selection = { all: false; ids: ReadonlySet<string> } | { all: true };

export const nothingSelected: Selection = { all: false, ids: new Set() };

export function isSelected(s: Selection, id: string): boolean {
  return s.all || s.ids.has(id);
}

export function isEmpty(s: Selection): boolean {
  return !s.all && s.ids.size === 0;
}

/**
 * Takes one in or out. When all that match were chosen, taking one out leaves the others that are shown: nobody has
 * seen the rest, and none can be named to the server.
 */
export function toggle(s: Selection, id: string, shown: readonly string[]): Selection {
  const ids = new Set(s.all ? shown : s.ids);
  if (!ids.delete(id)) {
    ids.add(id);
  }
  return { all: false, ids };
}

/** Takes in all between two rows, both with them: what a click with Shift means. */
export function extend(s: Selection, from: string, to: string, shown: readonly string[]): Selection {
  const [a, b] = [shown.indexOf(from), shown.indexOf(to)].sort((x, y) => x - y);
  if (s.all || a === undefined || b === undefined || a < 0) {
    return toggle(s, to, shown);
  }
  return { all: false, ids: new Set([...s.ids, ...shown.slice(a, b + 1)]) };
}

/** All that are shown, or none when all of them are chosen already. */
export function toggleShown(s: Selection, shown: readonly string[]): Selection {
  return allShown(s, shown) ? nothingSelected : { all: false, ids: new Set([...(s.all ? [] : s.ids), ...shown]) };
}

export function allShown(s: Selection, shown: readonly string[]): boolean {
  return shown.length > 0 && shown.every((id) => isSelected(s, id));
}
