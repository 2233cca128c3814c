import type { Reach } from "../api/session";
import type { DeliveryReason, DeliveryStatus } from "../api/types";

/** What the server tells of a change. `many`: more than can be told, or some were missed; read again what is shown. */
export type Change =
  | { kind: "alert"; alertId: string }
  | {
      kind: "delivery";
      id: string;
      alertId: string;
      destinationId: string;
      status: DeliveryStatus;
      reason?: DeliveryReason;
    }
  | { kind: "destination"; id: string }
  | { kind: "bulk_resend"; id: string }
  | { kind: "many" };

/**
 * `live`: changes are told. `polling`: they are asked for every few seconds, as the stream is not available.
 * `offline`: nor do they come when asked for. `ended`: nobody is signed in any more.
 */
export type LiveState = "connecting" | "live" | "polling" | "offline" | "ended";

type Listener = (change: Change) => void;

const pollEvery = 5_000;
const retryAfter = 30_000;
const connectTimeout = 5_000;
const hiddenFor = 60_000;

/**
 * Reads the server's events for everyone on the page over one connection. When there is no stream it says `many`
 * every few seconds instead, and tries again from time to time. A page that nobody looks at gives its connection
 * back: a browser has but six to a server, for all tabs together.
 */
export class LiveSource {
  private state: LiveState = "connecting";
  private stream: EventSource | undefined;
  private poll: ReturnType<typeof setInterval> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = false;
  private check: () => Promise<Reach> = async () => "well";
  private readonly listeners = new Set<Listener>();
  private readonly stateListeners = new Set<() => void>();
  private readonly open: () => EventSource;

  constructor(open: () => EventSource = () => new EventSource("/api/v1/events")) {
    this.open = open;
  }

  /**
   * Connects, until the function that it returns is called. A stream that fails does not say why: `check` then says
   * what is wrong.
   */
  start(check: () => Promise<Reach>): () => void {
    this.check = check;
    this.connect();
    const onVisibility = () => this.visibilityChanged();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      this.disconnect();
    };
  }

  getState = (): LiveState => this.state;

  onState = (listener: () => void): (() => void) => {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  };

  onChange = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private connect() {
    this.disconnect();
    const stream = this.open();
    this.stream = stream;
    stream.onopen = () => {
      this.stopPolling();
      this.become("live");
    };
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) {
        this.after(retryAfter, () => this.connect());
        this.startPolling();
      } else if (this.state === "live") {
        // The browser connects again by itself; the server then says `many`.
        this.become("connecting");
        this.after(connectTimeout, () => this.startPolling());
        void this.ask(); // it may have ended with the session
      }
    };
    for (const kind of ["alert", "delivery", "destination", "bulk_resend", "many"] as const) {
      stream.addEventListener(kind, (event: MessageEvent<string>) => this.tell(parseChange(kind, event.data)));
    }
    this.after(connectTimeout, () => this.startPolling());
  }

  private disconnect() {
    clearTimeout(this.timer);
    this.stream?.close();
    this.stream = undefined;
    this.stopPolling();
  }

  private visibilityChanged() {
    if (document.visibilityState === "hidden") {
      this.after(hiddenFor, () => {
        this.disconnect();
        this.become("connecting");
      });
    } else if (this.stream === undefined) {
      if (this.state === "ended") {
        void this.ask(); // someone may have signed in beside this page
      }
      this.connect();
      this.tell({ kind: "many" });
    } else if (this.state === "live") {
      clearTimeout(this.timer);
    }
  }

  private startPolling() {
    if (this.state === "live" || this.poll !== undefined) {
      return;
    }
    this.poll = setInterval(() => {
      if (document.visibilityState !== "hidden") {
        void this.ask().then((found) => found === "well" && this.poll !== undefined && this.tell({ kind: "many" }));
      }
    }, pollEvery);
    void this.ask();
  }

  /** Finds out whether the server can be reached, and shows it unless a stream has said so meanwhile. */
  private async ask(): Promise<Reach | undefined> {
    if (this.asking) {
      return undefined;
    }
    this.asking = true;
    // Of a network that swallows everything no one hears for minutes.
    const late = new Promise<Reach>((resolve) => setTimeout(resolve, pollEvery - 500, "unreachable"));
    const found = await Promise.race([this.check(), late]);
    this.asking = false;
    if (found === "ended") {
      this.disconnect();
      this.become("ended");
    } else if (this.poll !== undefined) {
      this.become(found === "well" ? "polling" : "offline");
    }
    return found;
  }

  private stopPolling() {
    clearInterval(this.poll);
    this.poll = undefined;
  }

  private after(ms: number, then: () => void) {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms);
  }

  private become(state: LiveState) {
    if (state === "live") {
      clearTimeout(this.timer);
    }
    if (state !== this.state) {
      this.state = state;
      for (const listener of this.stateListeners) {
        listener();
      }
    }
  }

  private tell(change: Change | undefined) {
    if (change) {
      for (const listener of this.listeners) {
        listener(change);
      }
    }
  }
}

/** Reads an event's data. What cannot be read is left out: events are only hints to read again. */
export function parseChange(kind: Change["kind"], data: string): Change | undefined {
  if (kind === "many") {
    return { kind };
  }
  try {
    const body: unknown = JSON.parse(data);
    if (typeof body === "object" && body !== null) {
      // The contract gives each event its data; a hint that is wrong leads only to a read that finds nothing new.
      return { ...body, kind } as Change;
    }
  } catch {
    // Not JSON.
  }
  return undefined;
}
