// What time it is, by the server's clock: due times are the server's, and a countdown against a browser whose clock
// is minutes off would lie.

let ahead = 0; // by how many milliseconds the server's clock is ahead of ours

/** Takes note of the Date header of an answer. It has whole seconds, so only a real difference counts. */
export function noteServerTime(date: string | null): void {
  const server = date === null ? Number.NaN : Date.parse(date);
  if (!Number.isNaN(server)) {
    const difference = server - Date.now();
    ahead = Math.abs(difference) > 3_000 ? difference : 0;
  }
}

/** Now, in milliseconds since 1970, by the server's clock. */
export function now(): number {
  return Date.now() + ahead;
}
