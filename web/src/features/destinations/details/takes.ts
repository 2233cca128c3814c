import { alertTypes, type Destination, severities } from "../../../api/types";
import { isolated } from "../../../words/bidi";
import { alertTypeWord, severityWord } from "../../../words/labels";

/** What a destination takes, in words: severities, alert types and log types. */
export function takesWords(d: Pick<Destination, "severities" | "alertTypes" | "logTypes">): {
  severities: string;
  alertTypes: string;
  logTypes: string;
} {
  const all = <T>(of: readonly T[], known: readonly T[]) => known.every((k) => of.includes(k));
  return {
    severities: all(d.severities, severities)
      ? "All severities"
      : severities
          .filter((s) => d.severities.includes(s))
          .map((s) => severityWord[s])
          .join(", ") || "Only alerts that name it",
    alertTypes: all(d.alertTypes, alertTypes)
      ? "All alert types"
      : alertTypes
          .filter((t) => d.alertTypes.includes(t))
          .map((t) => alertTypeWord[t])
          .join(", "),
    logTypes: d.logTypes.length === 0 ? "All log types" : d.logTypes.map(isolated).join(", "),
  };
}
