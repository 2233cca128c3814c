import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef } from "react";
import type { Change } from "../../live/source";
import { useChanges } from "../../live/useLive";
import { now } from "../../time/clock";
import { useLastError } from "../page/lastError";
import { allNewer, type Found, type Page, replaceItems, search, unseen } from "./pages";

/** What a list needs to know of its items. */
export type ListSource<Filters, Item> = {
  /** Names the list in the query cache. */
  name: string;
  filters: Filters;
  /** One page. `at` is the moment that "the last hour" counts back from: the same for all pages. */
  load: (cursor: string | null, at: number, signal: AbortSignal) => Promise<Page<Item>>;
  idOf: (item: Item) => string;
  /** When the item came in: the list's own order, newest first. */
  timeOf: (item: Item) => string;
  /** Whether the item may still change by itself. */
  open: (item: Item) => boolean;
  /** One item as it is now. */
  one: (id: string, signal: AbortSignal) => Promise<Item>;
  /** The id of the item that a change touches. */
  touched: (change: Change) => string | undefined;
};

export type List<Item> = ReturnType<typeof useList<unknown, Item>>;

type PageParam = { cursor: string | null; at: number };

const headEvery = 2_000;
const patchAtMost = 10;

/**
 * A list that is live and holds still. Rows that are shown change in place; new ones wait to be asked for, so that
 * nothing moves under the pointer. When the server ends a page early it goes on by itself for a few calls.
 */
export function useList<Filters, Item>(source: ListSource<Filters, Item>) {
  const queries = useQueryClient();
  const { name, filters, load, idOf, timeOf, open, one, touched } = source;
  const key = useMemo(() => ["list", name, filters] as const, [name, filters]);
  const headKey = useMemo(() => ["list-head", name, filters] as const, [name, filters]);

  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => search((cursor) => load(cursor, pageParam.at, signal), pageParam.cursor),
    initialPageParam: { cursor: null, at: now() } satisfies PageParam as PageParam,
    getNextPageParam: (last: Found<Item>, _pages, param: PageParam) =>
      last.nextCursor === null ? undefined : { cursor: last.nextCursor, at: param.at },
    staleTime: Number.POSITIVE_INFINITY, // the head below finds what is new
    gcTime: 60_000,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const pages = list.data?.pages;
  const error = useLastError(list);

  // The first page once more: it brings rows up to date, and finds those that are new.
  const head = useQuery({
    queryKey: headKey,
    queryFn: async ({ signal }) => {
      const page = await load(null, now(), signal);
      queries.setQueryData<typeof list.data>(key, (data) => data && replaceItems(data, page.items, idOf));
      return page.items;
    },
    enabled: false, // asked for by changes, below
    gcTime: 60_000,
  });

  const shown = useMemo(() => (pages ?? []).flatMap((p) => p.items), [pages]);
  const more = list.hasNextPage;
  const newest = head.data;
  const fresh = useMemo(() => unseen(newest ?? [], shown, idOf, timeOf, more), [newest, shown, idOf, timeOf, more]);

  const showFresh = useCallback(() => {
    if (fresh.length < (newest?.length ?? 0) && allNewer(fresh, shown, timeOf)) {
      queries.setQueryData<typeof list.data>(key, (data) => {
        const [first, ...rest] = data?.pages ?? [];
        return data && first ? { ...data, pages: [{ ...first, items: [...fresh, ...first.items] }, ...rest] } : data;
      });
      return;
    }
    // There is a gap between what is new and what is shown, or some go between rows: begin anew. What is shown stays
    // until the answer comes.
    queries.setQueryData<typeof list.data>(
      key,
      (data) => data && { pages: data.pages.slice(0, 1), pageParams: [{ cursor: null, at: now() }] },
    );
    void queries.refetchQueries({ queryKey: key, exact: true });
  }, [queries, key, fresh, newest, shown, timeOf]);

  // While there are no rows, none can jump.
  const nothing = pages !== undefined && shown.length === 0;
  useEffect(() => {
    if (nothing && fresh.length > 0) {
      showFresh();
    }
  }, [nothing, fresh, showFresh]);

  const pending = useRef({ ids: new Set<string>(), timer: 0 as number | ReturnType<typeof setTimeout>, last: 0 });
  const { refetch: refetchHead } = head;
  const flush = useCallback(async () => {
    const p = pending.current;
    p.timer = 0;
    p.last = Date.now();
    const { data: items = [] } = await refetchHead();
    const inHead = new Set(items.map(idOf));
    const rest = [...p.ids].filter((id) => !inHead.has(id)).slice(0, patchAtMost);
    p.ids.clear();
    const patches: Item[] = [];
    // One that is gone, or cannot be read now, stays as it is.
    await Promise.all(
      rest.map((id) =>
        one(id, AbortSignal.timeout(10_000)).then(
          (item) => patches.push(item),
          () => {},
        ),
      ),
    );
    if (patches.length > 0) {
      queries.setQueryData<typeof list.data>(key, (data) => data && replaceItems(data, patches, idOf));
    }
  }, [refetchHead, idOf, one, queries, key]);

  const { refetch } = list;
  useChanges((change) => {
    if (pages === undefined) {
      if (change.kind === "many" && error !== null) {
        void refetch({ cancelRefetch: false }); // it could not be read; maybe now
      }
      return;
    }
    if (change.kind === "destination") {
      return;
    }
    const p = pending.current;
    for (const item of shown) {
      const id = idOf(item);
      if (change.kind === "many" ? open(item) : touched(change) === id) {
        p.ids.add(id);
      }
    }
    if (p.timer === 0) {
      p.timer = setTimeout(() => void flush(), Math.max(200, p.last + headEvery - Date.now()));
    }
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: with other filters what was pending is of another list
  useEffect(() => {
    const p = pending.current;
    return () => {
      clearTimeout(p.timer);
      p.timer = 0;
      p.ids.clear();
    };
  }, [flush]);

  return {
    rows: shown,
    isPending: pages === undefined && error === null,
    error,
    /** What went wrong when more was asked for. */
    moreError: list.isFetchNextPageError ? list.error : null,
    retry: () => void list.refetch(),
    hasMore: list.hasNextPage,
    isLoadingMore: list.isFetchingNextPage,
    loadMore: () => void list.fetchNextPage(),
    /** How far back was searched, when the last page ended early and says so. */
    searchedTo: pages?.at(-1)?.searchedTo ?? null,
    endedEarly: pages?.at(-1)?.endedEarly ?? false,
    freshCount: fresh.length,
    /** More may be new than were counted. */
    freshCapped: fresh.length > 0 && fresh.length === newest?.length,
    showFresh,
  };
}
