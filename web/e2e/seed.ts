import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect } from "@playwright/test";
import type { Api } from "./api";
import { type Answer, answers, type Receiver } from "./receiver";
import type { Belfry } from "./server";

type Detection = { id: string; title: string; severity: string; logTypes: string[]; more?: object };

const detections: Detection[] = [
  { id: "DNS.Query.NewDomain", title: "DNS query to a newly registered domain", severity: "INFO", logTypes: ["DNS"] },
  { id: "AWS.EC2.IMDSv1", title: "EC2 instance still uses IMDSv1", severity: "LOW", logTypes: ["AWS.CloudTrail"] },
  {
    id: "GitHub.Repo.Public",
    title: "GitHub repository made public",
    severity: "MEDIUM",
    logTypes: ["GitHub.Audit"],
  },
  {
    id: "AWS.S3.PublicBucket",
    title: "S3 bucket policy allows everyone to read",
    severity: "HIGH",
    logTypes: ["AWS.CloudTrail"],
  },
  { id: "VPC.Scan", title: "Port scan from [198.51.100.23]", severity: "LOW", logTypes: ["AWS.VPCFlow"] },
  {
    id: "Okta.AdminRole",
    title: "Okta administrator role granted outside office hours",
    severity: "HIGH",
    logTypes: ["Okta.SystemLog"],
  },
  {
    id: "AWS.CloudTrail.Stopped",
    title: "CloudTrail logging was stopped",
    severity: "CRITICAL",
    logTypes: ["AWS.CloudTrail"],
  },
  {
    id: "Okta.BruteForce",
    title: "Okta brute force: 42 failed sign-ins in 5 minutes",
    severity: "HIGH",
    logTypes: ["Okta.SystemLog"],
  },
  { id: "AWS.IAM.NoMFA", title: "IAM user signs in without MFA", severity: "MEDIUM", logTypes: ["AWS.CloudTrail"] },
  {
    id: "AWS.Console.RootLogin",
    title: "AWS root login from [203.0.113.42]",
    severity: "CRITICAL",
    logTypes: ["AWS.CloudTrail"],
    more: {
      name: "AWS root login",
      description: "Someone signed in to the console as the root user. Nobody should need to.",
      runbook: "Ask the owners of the account. If none of them did, rotate the root password and look for new keys.",
      tags: ["AWS", "Identity & Access Management"],
      alertContext: { accountId: "123456789012", sourceIPAddress: "203.0.113.42", mfaUsed: "No" },
    },
  },
];

/** What the screens show: four destinations, one of which has failed and one is paused, and a day of detections. */
export async function seed(server: Belfry, api: Api, receiver: Receiver) {
  const at = (name: string, ...plan: Answer[]) => receiver.hookAt(`http://${name}.example.com/hooks/belfry`, ...plan);
  const taking = (severities: string[], logTypes: string[] = []) => ({ severities, logTypes });
  const maintenance = { status: 503, body: '{"error":"maintenance","until":"the end of the backup"}' };
  const tickets = at("tickets", maintenance);
  const all = ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
  const soar = await api.destination(
    "SOAR",
    at("soar", { status: 202, body: '{"status":"accepted"}' }),
    taking(all.slice(1)),
  );
  const pager = await api.destination("On-call pager", at("pager", answers.ok), taking(["HIGH", "CRITICAL"]));
  const ticketing = await api.destination("Ticketing", tickets, {
    ...taking(["MEDIUM", "HIGH", "CRITICAL"]),
    settings: { url: tickets.url, headers: [{ name: "X-API-Key", value: "a-secret-value" }] },
  });
  const archive = await api.destination("Archive", at("archive", answers.ok), taking(all));
  history(server, [soar.id, pager.id, archive.id], ticketing.id);
  await api.newToken("detection engine", ["ingest"]);
  await api.newToken("on-call", ["operate"]);

  const post = ({ more, ...detection }: Detection) => {
    const createdAt = new Date().toISOString();
    return api.call<{ alertId: string; deliveries: { id: string; destination: { id: string } }[] }>("POST", "/alerts", {
      ...detection,
      ...more,
      type: "RULE",
      createdAt,
    });
  };
  const posted = [];
  for (const detection of detections.slice(0, 5)) {
    posted.push(await post(detection));
  }
  await api.call("POST", `/destinations/${archive.id}/pause`);
  for (const detection of detections.slice(5)) {
    posted.push(await post(detection));
  }
  const failing = posted.flatMap((p) => p.deliveries.filter((d) => d.destination.id === ticketing.id));
  await api.settled(
    failing.map((d) => d.id),
    "failed",
  );
  const last = posted.at(-1);
  const open = last?.deliveries.find((d) => d.destination.id === ticketing.id);
  if (last === undefined || open === undefined) {
    throw new Error("the last alert is unrouted");
  }
  return { alertId: last.alertId, delivery: open.id, ticketing, tickets, soar };
}

/** Numbers for the day before: what was sent, as the server sums it up, ten minutes at a time. */
function history(server: Belfry, well: string[], failing: string): void {
  const bins = (ms: number, n: number) => {
    const counts = Array<number>(58).fill(0);
    const bin = 1 + Math.floor(Math.log(ms) / Math.log(1.25));
    for (const [offset, share] of [0.15, 0.35, 0.3, 0.15, 0.05].entries()) {
      counts[bin + offset] = Math.round(n * share);
    }
    return `'{${counts.join(",")}}'`;
  };
  const rows: string[] = [];
  for (let span = 2; span < 140; span++) {
    const since = `date_bin('10 minutes', now() - interval '${span * 10} minutes', '2000-01-01')`;
    const busy = 1 + Math.cos((span / 144) * 2 * Math.PI + 1) * 0.6 + ((span * 37) % 11) / 20;
    for (const [n, id] of [...well, failing].entries()) {
      const acked = Math.round(busy * (9 - n * 2));
      const failed = id === failing && span > 60 && span < 68 ? 6 : span % 41 === 0 ? 1 : 0;
      rows.push(`('${id}', ${since}, ${acked}, ${failed}, ${bins(30 + n * 25 + ((span * 13) % 17), acked + failed)})`);
    }
  }
  const sql = `INSERT INTO destination_stats (destination_id, since, acked, failed, durations) VALUES ${rows.join(", ")}`;
  try {
    execFileSync(
      "psql",
      ["-q", "-h", path.join(server.dir, "postgres/run"), "-U", "belfry", "-d", "belfry", "-f", "-"],
      {
        input: `${sql} ON CONFLICT DO NOTHING;`,
        stdio: ["pipe", "inherit", "inherit"],
      },
    );
  } catch (error) {
    expect(error, "the day before needs psql").toBeUndefined();
  }
}
