import type { OpenSession } from "../../api/types";

/** What opened a session and ends it. */
export const openerWord: Record<OpenSession["openedBy"], string> = {
  token: "with a token",
  admin_token: "with the server’s admin token",
  sign_in_link: "with a sign-in link",
};

// Each names itself before those that it claims to be.
const browsers = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
] as const;

const systems = [
  [/Windows/, "Windows"],
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
] as const;

/** A browser in short, by what it says of itself; whatever else it was by the beginning of that. */
export function browserWord(userAgent: string): string {
  const browser = browsers.find(([pattern]) => pattern.test(userAgent))?.[1];
  if (browser === undefined) {
    return userAgent.length > 40 ? `${userAgent.slice(0, 40)}…` : userAgent || "unknown browser";
  }
  const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1];
  return system === undefined ? browser : `${browser} on ${system}`;
}
