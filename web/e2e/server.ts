import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

const binary = process.env.E2E_BINARY ?? path.join(import.meta.dirname, "../../bin/belfry");

/** What a test may wait for: three tries, all within a second. */
const quick = { BELFRY_RETRY_WAITS: "50ms 100ms", BELFRY_ATTEMPT_TIMEOUT: "2s" };

/** `belfry dev` on a directory of its own, which is gone when it is closed. */
export class Belfry {
  readonly dir: string;
  readonly token = `e2e-${crypto.randomUUID()}`;
  /** Where it serves, such as http://127.0.0.1:40001; the same after a restart. */
  url = "";
  /** The sign-in link that it printed last. */
  link = "";
  private child: ChildProcess | undefined;
  private said = "";
  private readonly env: NodeJS.ProcessEnv;

  private constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.dir = dir;
    this.env = { ...process.env, BELFRY_LISTEN: "127.0.0.1:0", ...quick, ...env };
  }

  static async start(env: NodeJS.ProcessEnv = {}): Promise<Belfry> {
    const dir = await mkdtemp(path.join(os.tmpdir(), "belfry-e2e-"));
    await chmod(dir, 0o711); // as root, Postgres runs as another user, who has to pass
    const server = new Belfry(dir, env);
    try {
      await server.start();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** Starts it, and returns when it says that it is ready. */
  async start(): Promise<void> {
    const listen = this.url === "" ? {} : { BELFRY_LISTEN: new URL(this.url).host };
    const child = spawn(this.env.E2E_BINARY ?? binary, ["dev"], {
      env: { ...this.env, ...listen, BELFRY_DATA_DIR: this.dir, BELFRY_ADMIN_TOKEN: this.token },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    this.said = "";
    process.once("exit", () => child.kill("SIGKILL")); // if we are not asked; its Postgres ends with it
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        this.said = (this.said + chunk.toString()).slice(-20_000);
        const link = /Sign in\s+(\S+)/.exec(this.said)?.[1];
        if (link !== undefined && this.said.includes("This is for trying out")) {
          this.link = link;
          this.url = new URL(link).origin;
          resolve();
        }
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`belfry dev ended:\n${this.said}`)));
    });
  }

  /** Stops it as an operator would. Its data stays. */
  async stop(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return;
    }
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
    await ended;
    clearTimeout(late);
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** The end of what it printed and logged. */
  get log(): string {
    return this.said;
  }
}
