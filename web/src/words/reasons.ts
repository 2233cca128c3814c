import type { DeliveryReason, DeliveryStatus } from "../api/types";

/** All that the console says of a reason. What is held has more to say than what has ended. */
type Words = {
  /** A few words that follow the status. */
  word: string;
  /** The same in a sentence. */
  sentence: string;
} & ({ status: Exclude<DeliveryStatus, "held"> } | HeldWords);

type HeldWords = {
  status: "held";
  /** What ends it, said of all that wait for one destination. */
  ends: string;
  /** What "Send now" asks before it goes past the hold, or why it cannot; left out, it just sends. */
  sendNow?: { asks: string } | { mayNot: string };
};

// A new reason needs an entry here and nothing else of the console. They are in the order in which they ask for someone.
const words: Record<DeliveryReason, Words> = {
  attempts_exhausted: {
    status: "failed",
    word: "all tries used",
    sentence: "Every try of its run failed. Re-send it once the destination is well.",
  },
  rejected: {
    status: "failed",
    word: "rejected for good",
    sentence: "The destination answered that no further try can do better. Re-send it once that is fixed.",
  },
  expired: {
    status: "failed",
    word: "expired",
    sentence: "Its destination kept failing, and it was held for that longer than the server allows.",
  },
  failing: {
    status: "held",
    word: "destination failing",
    sentence:
      "Its destination keeps failing, so deliveries wait instead of using up their tries. One at a time probes it. When it acknowledges one, all go out.",
    ends: "One at a time probes it. An acknowledgement releases all.",
    sendNow: {
      asks: "Its destination keeps failing. This delivery is sent all the same, and spends a try.",
    },
  },
  misconfigured: {
    status: "held",
    word: "misconfigured",
    sentence: "The settings of its destination cannot be used. Enter them again, and it goes out.",
    ends: "They go out once its settings are entered again.",
    sendNow: {
      mayNot: "The settings of its destination cannot be used. It goes out once they are entered again.",
    },
  },
  our_side: {
    status: "held",
    word: "our side failed",
    sentence:
      "Belfry itself failed five times in a row to make its attempt: it stopped, it lacked the sealing key, or its machine ran out of sockets, ports or memory. It tries again each minute or sooner, and no attempt is charged.",
    ends: "Belfry itself failed to make their attempts: it stopped, it lacks the sealing key, or its machine ran out of sockets, ports or memory. Each is tried again within a minute, and spends no try.",
  },
  paused: {
    status: "held",
    word: "paused",
    sentence: "Its destination is paused. It goes out when the destination is resumed.",
    ends: "They go out, or are discarded, when it is resumed.",
    sendNow: { asks: "Its destination is paused. This delivery is sent all the same." },
  },
  busy: {
    status: "held",
    word: "busy",
    sentence: "Its destination has as many attempts in flight as it may. It goes out as soon as there is room.",
    ends: "It has as many attempts in flight as its limits allow. They go out as soon as there is room.",
  },
  by_person: { status: "cancelled", word: "by a person", sentence: "Someone cancelled it." },
  destination_deleted: {
    status: "cancelled",
    word: "destination deleted",
    sentence: "Its destination was deleted.",
  },
};

// The keys of words are the reasons, which Object.keys does not know.
/** All reasons, in the order in which they ask for someone. */
export const deliveryReasons = Object.keys(words) as DeliveryReason[];

/** Those for which deliveries are held, in the same order. */
export const heldReasons = deliveryReasons.filter((r) => words[r].status === "held");

/** What is said of a reason; undefined for one that only a newer server knows. */
function wordsOf(reason: DeliveryReason): Words | undefined {
  return words[reason];
}

/** The status that a reason belongs to. */
export function reasonStatus(reason: DeliveryReason): DeliveryStatus {
  return words[reason].status;
}

/** Why a delivery is held, failed or cancelled, in a few words that follow the status. */
export function reasonWord(reason: DeliveryReason): string {
  return wordsOf(reason)?.word ?? reason.replaceAll("_", " ");
}

/** The same in a sentence. */
export function reasonSentence(reason: DeliveryReason): string | undefined {
  return wordsOf(reason)?.sentence;
}

/** What a hold means for those who wait for it, and for who wants to send past it. */
export function holdWords(reason: DeliveryReason): HeldWords | undefined {
  const found = wordsOf(reason);
  return found?.status === "held" ? found : undefined;
}
