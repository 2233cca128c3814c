import type { AttemptClass, AttemptSummary } from "../api/types";

/** What of an attempt its sentence depends on. */
type Outcome = { class: AttemptClass; statusCode: number | null };

/** What the outcome of an attempt means and what to do about it, in plain words. */
export function outcomeSentence({ class: c, statusCode }: Outcome): string {
  if (c === "rejected" && statusCode !== null) {
    return rejectedSentence(statusCode);
  }
  return sentences[c];
}

const sentences: Record<AttemptClass, string> = {
  acked: "The destination acknowledged it. Nothing is left to do.",
  rejected: "The destination answered, but not with a 2xx. Its answer below may say why.",
  redirected:
    "The destination answered with a redirect, and redirects are never followed. Set the destination’s URL to the final address.",
  timeout:
    "No complete answer came in time. The receiver may have got the alert all the same: it should answer first and work afterwards.",
  dns: "The host name could not be resolved. Check the URL of the destination, and the DNS that the server uses.",
  refused:
    "Nothing accepted the connection. Check that the receiver runs, and that its port and the firewalls on the way are open.",
  reset:
    "The connection was lost before an answer came. The receiver or something before it closed it; its log may say why.",
  tls: "No trusted TLS connection came about. Check the receiver’s certificate: its dates, its names, its chain.",
  blocked_address:
    "The host resolves to an address that this server must not call. If it is meant to, an operator can allow its network.",
  protocol:
    "What came back is not HTTP, or the request could not be made. Check that the URL has the right scheme and port.",
  interrupted:
    "Belfry stopped while this attempt was under way, or its own machine ran out of sockets, ports or memory. It does not count, and the delivery is tried again by itself.",
};

function rejectedSentence(code: number): string {
  switch (code) {
    case 400:
    case 422:
      return "The receiver does not accept this alert. Its answer below may say which part; a re-send helps only once the receiver is changed.";
    case 401:
    case 403:
      return "The receiver refused our credentials. Check the destination’s headers, and whether the receiver checks the signature with the present secret.";
    case 404:
    case 410:
      return "There is nothing at this URL any more. Check the destination’s URL, then re-send.";
    case 405:
      return "The receiver takes no POST at this URL. Check the destination’s URL.";
    case 407:
      return "A proxy on the way wants credentials. An operator has to look at the server’s proxy.";
    case 408:
    case 504:
      return "The receiver, or something before it, ran out of time. Belfry tries again by itself while tries are left.";
    case 413:
      return "The alert is too large for the receiver. Raise its limit, then re-send.";
    case 429:
      return "The receiver asks for fewer requests. Belfry waits as long as it asks; a rate limit on the destination avoids this.";
    case 502:
    case 503:
      return "The receiver is not available just now. Belfry tries again by itself while tries are left.";
  }
  if (code >= 500) {
    return "The receiver failed on its side. Its log should say why; Belfry tries again by itself while tries are left.";
  }
  if (code < 200) {
    return "The receiver never sent a final answer. Something before it may not speak HTTP as it should.";
  }
  return "The receiver refused the alert. Its answer below may say why.";
}

type WaitReason = NonNullable<AttemptSummary["waitReason"]>;

/** Why an attempt was not made sooner, in a few words that follow how long it waited. */
export const waitWord: Record<WaitReason, string> = {
  schedule: "as scheduled",
  retry_after: "as the destination asked",
  our_side: "because Belfry’s own side had failed",
  held: "because the delivery was held",
  manual: "until a person asked for it",
};

/** The same in a sentence. */
export const waitSentence: Record<WaitReason, string> = {
  schedule: "It waited as the list of waits says.",
  retry_after: "It waited for longer than the list says: the destination asked for that.",
  our_side: "It waited because Belfry’s own side had failed.",
  held: "It waited because the delivery was held.",
  manual: "A person asked for it.",
};
