const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;

/** A name that somebody made up, with what is not shown of it in words: two that differ only there must look so. */
export function revealed(name: string): string {
  return name.replace(unseen, (c) => `[U+${c.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`);
}
