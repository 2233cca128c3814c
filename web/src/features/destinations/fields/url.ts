/** What is wrong with a URL that somebody entered. The server reads it more strictly. */
export function urlError(url: string): string | undefined {
  if (/[\s\p{Cc}]/u.test(url)) {
    return "A URL has no spaces or line breaks.";
  }
  if (!/^https?:\/\//i.test(url)) {
    return "Must start with https:// or http://.";
  }
  if (url.includes("#")) {
    return "Must not have a fragment (#…): it would never be sent.";
  }
  const authority = /^https?:\/\/([^/?]*)/i.exec(url)?.[1] ?? "";
  if (authority.includes("@")) {
    return "Must not contain a user name or password.";
  }
  const [, host = "", port] = /^(\[[0-9a-f:.]*\]|[^:[\]]*)(?::(.*))?$/i.exec(authority) ?? [];
  if (host === "") {
    return "Must have a host, such as alerts.example.com.";
  }
  if (!/^[\w.:[\]\u0080-\u{10ffff}-]+$/u.test(host)) {
    return "The host may have letters, digits, dots, - and _, or be an IP address.";
  }
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    return "The port must be from 1 to 65535, or left out.";
  }
  return undefined;
}
