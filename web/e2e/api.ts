import { expect } from "@playwright/test";
import type { components } from "../src/api/schema.gen";
import type { Hook } from "./receiver";

type Schemas = components["schemas"];

export type Scope = Schemas["Scope"];
type Destination = Schemas["Destination"];
type Delivery = Schemas["DeliveryDetails"];

/** The public API, as a producer or an operator's script calls it. */
export class Api {
  private readonly url: string;
  private readonly token: string;
  private made = 0;

  constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  /** Calls, and throws for what is no 2xx. The caller says what the answer is: see openapi.yaml. */
  async call<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    return (text === "" ? undefined : JSON.parse(text)) as T; // the contract's, as above
  }

  /** A destination that takes only the alerts that name it, so that tests do not meet. */
  destination(displayName: string, hook: Pick<Hook, "url">, more: object = {}): Promise<Destination> {
    return this.call("POST", "/destinations", {
      displayName,
      type: "webhook",
      severities: [],
      logTypes: [],
      settings: { url: hook.url },
      ...more,
    });
  }

  /** Posts an alert to these destinations, and returns its ID and those of its deliveries. */
  async alert(to: readonly { id: string }[], more: object = {}): Promise<{ alertId: string; deliveries: string[] }> {
    const n = ++this.made;
    const answer = await this.call<Schemas["AcceptedAlert"]>("POST", "/alerts", {
      id: "Okta.BruteForce",
      severity: "HIGH",
      type: "RULE",
      title: `Alert ${n}`,
      alertId: crypto.randomUUID(),
      destinations: to.map((d) => d.id),
      ...more,
    });
    return { alertId: answer.alertId, deliveries: answer.deliveries.map((d) => d.id) };
  }

  delivery(id: string): Promise<Delivery> {
    return this.call("GET", `/deliveries/${id}`);
  }

  /** Waits until each of the deliveries has the status. */
  async settled(ids: readonly string[], status: Delivery["status"]): Promise<void> {
    for (const id of ids) {
      await expect.poll(async () => (await this.delivery(id)).status, { intervals: [50, 100, 200] }).toBe(status);
    }
  }

  /** An alert whose delivery failed for good. */
  async failed(to: { id: string }, more: object = {}): Promise<{ alertId: string; delivery: string }> {
    const { alertId, deliveries } = await this.alert([to], more);
    await this.settled(deliveries, "failed");
    return { alertId, delivery: deliveries[0] ?? "" };
  }

  newToken(name: string, scopes: Scope[]): Promise<Schemas["CreatedToken"]> {
    return this.call("POST", "/tokens", { name, scopes });
  }
}
