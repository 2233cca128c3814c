import { afterEach, beforeEach, expect, test, vi } from "vitest";
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
  stop = source.start();
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

test("without a stream it asks every few seconds, and tries again", () => {
  last().fail(2);
  expect(source.getState()).toBe("polling");
  vi.advanceTimersByTime(15_000);
  expect(told).toEqual([{ kind: "many" }, { kind: "many" }, { kind: "many" }]);
  vi.advanceTimersByTime(15_000);
  expect(streams).toHaveLength(2);
  last().succeed();
  expect(source.getState()).toBe("live");
  const before = told.length;
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(before);
});

test("a stream that breaks off is given a moment before it asks", () => {
  last().succeed();
  last().fail(0);
  expect(source.getState()).toBe("connecting");
  vi.advanceTimersByTime(4_000);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(6_500);
  expect([source.getState(), told.length]).toEqual(["polling", 1]);
  last().succeed();
  expect(source.getState()).toBe("live");
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
