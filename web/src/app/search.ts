// The part of the URL behind "?", as people would write it: severity=HIGH&severity=LOW&q=login. Everything in it is
// text; what a page takes of it is read by the functions below, which leave out what makes no sense.

export type RawSearch = Record<string, string | string[]>;

export function parseSearch(text: string): RawSearch {
  const raw: RawSearch = {};
  const params = new URLSearchParams(text);
  for (const name of new Set(params.keys())) {
    const all = params.getAll(name);
    raw[name] = all.length === 1 ? (all[0] ?? "") : all;
  }
  return raw;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") {
        params.append(name, String(one));
      }
    }
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

type Unread = Record<string, unknown>;

/** The text of one parameter; of several with its name the first. */
export function one(raw: Unread, name: string): string | undefined {
  const value = raw[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first !== "" ? first : undefined;
}

/** Every text of one parameter, each once; several may stand in one with commas between them. */
export function many(raw: Unread, name: string): string[] | undefined {
  const value = raw[name];
  const all: unknown[] = Array.isArray(value) ? value : [value];
  const texts = new Set<string>();
  for (const text of all) {
    if (typeof text === "string") {
      for (const part of text.split(",")) {
        if (part.trim() !== "") {
          texts.add(part.trim());
        }
      }
    }
  }
  return texts.size > 0 ? [...texts] : undefined;
}

/** One of the values that make sense. */
export function oneOf<T extends string>(raw: Unread, name: string, known: readonly T[]): T | undefined {
  const text = one(raw, name);
  return known.find((k) => k === text);
}

/** Those of the values that make sense, in their own order. */
export function manyOf<T extends string>(raw: Unread, name: string, known: readonly T[]): T[] | undefined {
  const texts = many(raw, name) ?? [];
  const found = known.filter((k) => texts.includes(k));
  return found.length > 0 ? found : undefined;
}

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether it has the form of the IDs that Belfry gives. */
export function isId(text: string): boolean {
  return idPattern.test(text);
}

export function id(raw: Unread, name: string): string | undefined {
  const text = one(raw, name);
  return text !== undefined && idPattern.test(text) ? text : undefined;
}

export function ids(raw: Unread, name: string): string[] | undefined {
  const found = (many(raw, name) ?? []).filter((text) => idPattern.test(text));
  return found.length > 0 ? found : undefined;
}

/** A moment, as RFC 3339 in UTC. */
export function time(raw: Unread, name: string): string | undefined {
  const text = one(raw, name);
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** The stretches of time that a list can be limited to, which move along with the clock. */
export const lasts = ["15m", "1h", "24h", "7d", "30d"] as const;

export type Last = (typeof lasts)[number];

const lengths: Record<Last, number> = {
  "15m": 15 * 60e3,
  "1h": 3600e3,
  "24h": 24 * 3600e3,
  "7d": 7 * 24 * 3600e3,
  "30d": 30 * 24 * 3600e3,
};

/** The time that a list is limited to: the last so-and-so long, or from and to. */
export type TimeRange = { last?: Last | undefined; from?: string | undefined; to?: string | undefined };

export function timeRange(raw: Unread): TimeRange {
  const last = oneOf(raw, "last", lasts);
  return last ? { last } : { from: time(raw, "from"), to: time(raw, "to") };
}

/** What the range is at a moment, as the API takes it. */
export function rangeAt({ last, from, to }: TimeRange, now: number): { from?: string; to?: string } {
  if (last) {
    return { from: new Date(now - lengths[last]).toISOString() };
  }
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** Leaves out what is not set, so that two ways of saying the same make the same URL and the same query key. */
export function compact<T extends object>(search: T): T {
  // What is left has no more keys than before, and each with its own type.
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as T;
}
