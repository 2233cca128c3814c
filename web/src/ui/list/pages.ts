/** A page as the API answers it. It may hold fewer items than asked for, even none, while there is more. */
export type Page<Item> = {
  items: Item[];
  nextCursor: string | null;
  /** How far back was looked, where the API says so. */
  searchedTo?: string | null;
};

/** What a few calls found. */
export type Found<Item> = Page<Item> & {
  /** Whether looking ended before enough was found, with more to look at. */
  endedEarly: boolean;
};

const enough = 25;
const callsAtMost = 5;

/** Asks for pages until there is enough to show, nothing more to look at, or a few calls were made. */
export async function search<Item>(
  load: (cursor: string | null) => Promise<Page<Item>>,
  from: string | null,
): Promise<Found<Item>> {
  const items: Item[] = [];
  let cursor = from;
  for (let call = 1; ; call++) {
    const page = await load(cursor);
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null || items.length >= enough || call === callsAtMost) {
      const endedEarly = cursor !== null && items.length < enough;
      return { items, nextCursor: cursor, searchedTo: page.searchedTo ?? null, endedEarly };
    }
  }
}

/** Puts items in the places of those with the same id. Nothing moves, and nothing is added. */
export function replaceItems<Item, Data extends { pages: { items: Item[] }[] }>(
  data: Data,
  items: readonly Item[],
  idOf: (item: Item) => string,
): Data {
  const news = new Map(items.map((item) => [idOf(item), item]));
  return {
    ...data,
    pages: data.pages.map((page) => ({ ...page, items: page.items.map((item) => news.get(idOf(item)) ?? item) })),
  };
}

/**
 * Those of the newest items that are not shown yet and belong among what is: they came in since, or match since. With
 * more left to load, an older one than the last that is shown is no news; it is simply not loaded yet.
 */
export function unseen<Item>(
  newest: readonly Item[],
  shown: readonly Item[],
  idOf: (item: Item) => string,
  timeOf: (item: Item) => string,
  more: boolean,
): Item[] {
  const seen = new Set(shown.map(idOf));
  const last = shown.at(-1);
  const since = more && last !== undefined ? Date.parse(timeOf(last)) : Number.NEGATIVE_INFINITY;
  return newest.filter((item) => !seen.has(idOf(item)) && Date.parse(timeOf(item)) > since);
}

/** Whether all of the items came in after those that are shown, so that they can be put before them. */
export function allNewer<Item>(
  items: readonly Item[],
  shown: readonly Item[],
  timeOf: (item: Item) => string,
): boolean {
  const first = shown[0];
  return first === undefined || items.every((item) => Date.parse(timeOf(item)) >= Date.parse(timeOf(first)));
}
