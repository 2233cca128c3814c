import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Reach } from "../api/session";
import { type Change, LiveSource, parseChange } from "./source";

/** A stream that the test drives. */
class FakeStream extends EventTarget {
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  close() {
    this.readyState = 2;
  }
  say(kind: string, data: string) {
    this.dispatchEvent(new MessageEvent(kind, { data }));
  }
  succeed() {
    this.readyState = 1;
    this.onopen?.();
  }
  fail(readyState: number) {
    this.readyState = readyState;
    this.onerror?.();
  }
}

let streams: FakeStream[];
let told: Change[];
let source: LiveSource;
let stop: () => void;
let found: Reach;
let asked: number;
const last = () => streams.at(-1) ?? new FakeStream();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", { CONNECTING: 0, OPEN: 1, CLOSED: 2 });
  streams = [];
  told = [];
  source = new LiveSource(() => {
    streams.push(new FakeStream());
    // It has all of an EventSource that is used.
    return last() as unknown as EventSource;
  });
  source.onChange((change) => told.push(change));
  found = "well";
  asked = 0;
  stop = source.start(async () => {
    asked++;
    return found;
  });
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

test("changes are told as they come", () => {
  last().succeed();
  expect(source.getState()).toBe("live");
  last().say("delivery", '{"id":"d","alertId":"a","destinationId":"x","status":"failed"}');
  last().say("delivery", "not json");
  last().say("many", "{}");
  expect(told).toEqual([
    { kind: "delivery", id: "d", alertId: "a", destinationId: "x", status: "failed" },
    { kind: "many" },
  ]);
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(2);
});

test("without a stream it asks every few seconds, and tries again", async () => {
  last().fail(2);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(source.getState()).toBe("polling");
  expect(told).toEqual([{ kind: "many" }, { kind: "many" }, { kind: "many" }]);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(streams).toHaveLength(2);
  last().succeed();
  expect(source.getState()).toBe("live");
  const before = told.length;
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(before);
});

test("a stream that breaks off is given a moment before it asks", async () => {
  last().succeed();
  last().fail(0);
  expect(source.getState()).toBe("connecting");
  await vi.advanceTimersByTimeAsync(4_000);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(6_500);
  expect([source.getState(), told.length]).toEqual(["polling", 1]);
  last().succeed();
  expect(source.getState()).toBe("live");
});

test("a server that cannot be reached is said so, and asked for nothing more until it is back", async () => {
  last().succeed();
  found = "unreachable";
  last().fail(0);
  await vi.advanceTimersByTimeAsync(5_500);
  expect(source.getState()).toBe("offline");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual([]);
  found = "well";
  await vi.advanceTimersByTimeAsync(5_000);
  expect([source.getState(), told]).toEqual(["polling", [{ kind: "many" }]]);
  last().succeed();
  expect(source.getState()).toBe("live");
});

test("a check that never ends is a server that cannot be reached", async () => {
  stop();
  stop = source.start(() => new Promise(() => {}));
  last().fail(2);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(source.getState()).toBe("offline");
});

test("a stream that ends with the session is found out at once, and nothing more is asked for", async () => {
  last().succeed();
  found = "ended";
  last().fail(0);
  await vi.advanceTimersByTimeAsync(0);
  expect([source.getState(), asked]).toEqual(["ended", 1]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([streams.length, asked, told.length]).toEqual([1, 1, 0]);
});

test("a page that nobody looks at gives its connection back", () => {
  last().succeed();
  const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  document.dispatchEvent(new Event("visibilitychange"));
  vi.advanceTimersByTime(59_000);
  expect(last().readyState).toBe(1);
  vi.advanceTimersByTime(2_000);
  expect(last().readyState).toBe(2);
  visibility.mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  expect(streams).toHaveLength(2);
  expect(told).toEqual([{ kind: "many" }]);
});

test("data that is no object is left out", () => {
  expect(parseChange("destination", '"x"')).toBeUndefined();
  expect(parseChange("destination", '{"id":"x"}')).toEqual({ kind: "destination", id: "x" });
});
