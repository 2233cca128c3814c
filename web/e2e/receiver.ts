import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a hook answers. `hang` never does; `until` is waited for first. */
export type Answer = {
  status?: number;
  body?: string | Buffer;
  headers?: Record<string, string>;
  hang?: boolean;
  until?: Promise<void>;
};

export const answers = {
  ok: { status: 200, body: "success" },
  broken: { status: 500, body: '{"error":"the queue is full"}' },
  busy: { status: 429, body: "slow down" },
  away: { status: 503, body: "back soon" },
  moved: { status: 302, headers: { Location: "http://127.0.0.1/elsewhere" }, body: "moved" },
  hanging: { hang: true },
  big: { status: 500, body: "x".repeat(200 * 1024) },
  binary: { status: 500, body: Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x00, 0x42]) },
  script: { status: 500, body: "<script>document.title = 'owned'</script><b>bold</b>" },
} as const satisfies Record<string, Answer>;

export type Received = { headers: IncomingHttpHeaders; body: string };

/** A URL to send to, and what it got. */
export class Hook {
  readonly url: string;
  readonly received: Received[] = [];
  private readonly tries = new Map<string, number>();
  private plan: readonly Answer[];

  constructor(url: string, plan: readonly Answer[]) {
    this.url = url;
    this.plan = plan;
  }

  /** From now on it answers so: of each delivery the first request gets the first answer, and the last one stays. */
  answers(...plan: Answer[]): void {
    this.plan = plan;
    this.tries.clear();
  }

  /** How it answers a request. */
  next(got: Received): Answer {
    this.received.push(got);
    const id = String(got.headers["webhook-id"]);
    const n = this.tries.get(id) ?? 0;
    this.tries.set(id, n + 1);
    return this.plan[Math.min(n, this.plan.length - 1)] ?? answers.ok;
  }
}

/** A receiver on loopback, whose hooks answer as they are told. */
export class Receiver {
  private readonly server: Server;
  private readonly hooks = new Map<string, Hook>();
  private made = 0;

  private constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const hook = this.hooks.get(request.url ?? "");
        const answer = hook?.next({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        void reply(response, answer ?? { status: 404, body: "no such hook" });
      });
    });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get host(): string {
    // It listens on TCP, so the address is of this kind.
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** A new hook, which answers so: see Hook.answers. */
  hook(...plan: Answer[]): Hook {
    const path = `/hook/${++this.made}`;
    const hook = new Hook(`http://${this.host}${path}`, plan.length > 0 ? plan : [answers.ok]);
    this.hooks.set(path, hook);
    return hook;
  }

  /** A hook for the type that only tests have: it is given the URL of the server alone, and posts to a path of its own. */
  chat(...plan: Answer[]): Hook {
    const hook = new Hook(`http://${this.host}`, plan);
    this.hooks.set("/api/chat.post", hook);
    return hook;
  }

  /** The same at any http URL, when this is the proxy for it. */
  hookAt(url: string, ...plan: Answer[]): Hook {
    const hook = new Hook(url, plan);
    this.hooks.set(url, hook);
    return hook;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

async function reply(response: ServerResponse, answer: Answer) {
  await answer.until;
  if (answer.hang) {
    return; // until whoever asked gives up
  }
  response.writeHead(answer.status ?? 200, { "Content-Type": "text/plain", ...answer.headers });
  response.end(answer.body ?? "");
}
