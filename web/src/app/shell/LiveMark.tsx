import { useLiveState } from "../../live/useLive";
import classes from "./LiveMark.module.css";

const words = {
  connecting: { word: "Connecting", more: "Connecting to the stream of changes." },
  live: { word: "Live", more: "Changes are shown as they happen." },
  offline: {
    word: "Offline",
    more: "Belfry cannot be reached. This page shows older data, and goes on by itself when Belfry is back.",
  },
  ended: { word: "Signed out", more: "Your session has ended." },
  polling: {
    word: "Every 5 s",
    more: "The stream of changes is not available. This page asks every 5 seconds instead.",
  },
} as const;

/** Says how fresh the page is. */
export function LiveMark() {
  const state = useLiveState();
  const { word, more } = words[state];
  return (
    <span className={classes.mark} data-state={state} title={more}>
      <span className={classes.dot} aria-hidden />
      {word}
      {state === "offline" && <span className="sr-only">: {more}</span>}
    </span>
  );
}
