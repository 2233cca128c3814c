import { client, unwrap } from "./client";
import type { paths } from "./schema.gen";

/** The filters of the audit log, as the API takes them. */
export type AuditFilters = Omit<NonNullable<paths["/api/v1/audit"]["get"]["parameters"]["query"]>, "cursor" | "limit">;

/** One page of who did what, newest first. */
export async function listAudit(filters: AuditFilters, cursor: string | null, signal: AbortSignal) {
  const query = { ...filters, ...(cursor === null ? {} : { cursor }) };
  return unwrap(await client.GET("/api/v1/audit", { params: { query }, signal }));
}
