import { describe, expect, test } from "vitest";
import { allNewer, type Page, replaceItems, search, unseen } from "./pages";

type Item = { id: string; at: string; v?: number };
const item = (n: number): Item => ({ id: `i${n}`, at: new Date(n * 1_000).toISOString() });
const idOf = (i: Item) => i.id;
const timeOf = (i: Item) => i.at;

describe("search", () => {
  const serve = (pages: Page<Item>[]) => {
    const asked: (string | null)[] = [];
    const load = async (cursor: string | null) => {
      asked.push(cursor);
      return pages[asked.length - 1] ?? { items: [], nextCursor: null };
    };
    return { asked, load };
  };
  test("one full page is one call", async () => {
    const { asked, load } = serve([{ items: Array.from({ length: 50 }, (_, n) => item(n)), nextCursor: "a" }]);
    expect((await search(load, null)).endedEarly).toBe(false);
    expect(asked).toEqual([null]);
  });
  test("it goes on over pages that hold few or none", async () => {
    const { asked, load } = serve([
      { items: [], nextCursor: "a" },
      { items: [item(1)], nextCursor: "b" },
      { items: [item(0)], nextCursor: null },
    ]);
    expect(await search(load, "z")).toEqual({
      items: [item(1), item(0)],
      nextCursor: null,
      searchedTo: null,
      endedEarly: false,
    });
    expect(asked).toEqual(["z", "a", "b"]);
  });
  test("it stops after a few calls and says how far it came", async () => {
    const { asked, load } = serve(
      Array.from({ length: 9 }, (_, n) => ({ items: [], nextCursor: `c${n}`, searchedTo: `t${n}` })),
    );
    expect(await search(load, null)).toEqual({ items: [], nextCursor: "c4", searchedTo: "t4", endedEarly: true });
    expect(asked).toHaveLength(5);
  });
});

test("items are replaced where they are", () => {
  const data = { pages: [{ items: [item(3), item(2)] }, { items: [item(1)] }], pageParams: [] };
  const next = replaceItems(data, [{ ...item(2), v: 9 }, item(8)], idOf);
  expect(next.pages.map((p) => p.items.map((i) => [i.id, i.v]))).toEqual([
    [
      ["i3", undefined],
      ["i2", 9],
    ],
    [["i1", undefined]],
  ]);
});

describe("what is new", () => {
  const shown = [item(5), item(3)];
  test("came in since, or belongs between what is shown", () => {
    expect(unseen([item(7), item(5), item(4)], shown, idOf, timeOf, true).map(idOf)).toEqual(["i7", "i4"]);
  });
  test("is not what is merely not loaded yet", () => {
    expect(unseen([item(5), item(2)], shown, idOf, timeOf, true)).toEqual([]);
    expect(unseen([item(5), item(2)], shown, idOf, timeOf, false).map(idOf)).toEqual(["i2"]);
  });
  test("can be put first only if all of it is newer", () => {
    expect(allNewer([item(7), item(6)], shown, timeOf)).toBe(true);
    expect(allNewer([item(7), item(4)], shown, timeOf)).toBe(false);
    expect(allNewer([item(1)], [], timeOf)).toBe(true);
  });
});
