import { expect, type Page } from "@playwright/test";

/** What a page does that no page may: complain in the console, break its policy, or call anyone but its own server. */
export class Watch {
  private readonly trouble: string[] = [];
  private readonly expected: RegExp[] = [];

  constructor(page: Page, origin: string) {
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.trouble.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    page.on("pageerror", (error) => this.trouble.push(`page error: ${error.stack ?? error.message}`));
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) {
        this.trouble.push(`request to another server: ${request.url()}`);
      }
    });
  }

  /** The test is about this: the browser's own word on an answer that says no, for example. */
  expect(what: RegExp): void {
    this.expected.push(what);
  }

  check(): void {
    const bad = this.trouble.filter((t) => !this.expected.some((e) => e.test(t)));
    expect(bad, "what the page complained of or asked others for").toEqual([]);
  }
}
