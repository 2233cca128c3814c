import type { components } from "./schema.gen";

type ProblemBody = components["schemas"]["Problem"];

/** What is wrong with one field of what was sent. */
export type FieldError = components["schemas"]["FieldError"];

/**
 * The codes of the contract, and two of our own: `unreachable` (no answer came) and
 * `unreadable` (an answer came that is not Belfry's, such as a proxy's error page).
 */
export type ProblemCode = components["schemas"]["ProblemCode"] | "unreachable" | "unreadable";

/** An answer that says no, as RFC 9457 and openapi.yaml shape it. */
export class Problem extends Error {
  override readonly name = "Problem";
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly code: ProblemCode;
  /** Names the request in the server's log; "" when no answer of the server's came. */
  readonly requestId: string;
  readonly fieldErrors: readonly FieldError[];

  constructor(p: { status: number; code: ProblemCode; detail: string; requestId?: string; errors?: FieldError[] }) {
    super(p.detail);
    this.status = p.status;
    this.code = p.code;
    this.requestId = p.requestId ?? "";
    this.fieldErrors = p.errors ?? [];
  }

  /** What is wrong with one field, for the form to show beside it. */
  field(name: string): string | undefined {
    return this.fieldErrors.find((e) => e.field === name)?.message;
  }

  /** Whether asking again could go better without anyone doing something. */
  get passing(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** Reads the body of an answer that is no 2xx. */
export function problemOf(response: Response, body: unknown): Problem {
  if (isProblemBody(body)) {
    // The server speaks to programs here, of their tokens; whoever reads this signs in.
    return new Problem(
      body.code === "unauthenticated" ? { ...body, detail: "Your session has ended: sign in." } : body,
    );
  }
  return new Problem({
    status: response.status,
    code: "unreadable",
    detail: `Something between this page and Belfry answered ${response.status}.`,
    requestId: response.headers.get("X-Request-Id") ?? "",
  });
}

/** No answer came. */
export function unreachable(): Problem {
  return new Problem({ status: 0, code: "unreachable", detail: "Belfry cannot be reached." });
}

/** Turns whatever was thrown into a Problem, so that every view shows errors in one way. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) {
    return error;
  }
  return new Problem({ status: 0, code: "unreadable", detail: "Something went wrong in this page." });
}

function isProblemBody(body: unknown): body is ProblemBody {
  return (
    typeof body === "object" &&
    body !== null &&
    "code" in body &&
    typeof body.code === "string" &&
    "detail" in body &&
    typeof body.detail === "string" &&
    "status" in body &&
    typeof body.status === "number"
  );
}
