import { createContext, type ReactNode, useContext, useState } from "react";

const Announce = createContext<(text: string) => void>(() => {});

/** Says something to those who do not see the page change. */
export function useAnnounce(): (text: string) => void {
  return useContext(Announce);
}

export function Announcer({ children }: { children: ReactNode }) {
  const [said, setSaid] = useState({ text: "", times: 0 });
  const [announce] = useState(() => (text: string) => setSaid((s) => ({ text, times: s.times + 1 })));
  return (
    <Announce value={announce}>
      {children}
      <div className="sr-only" aria-live="polite" aria-atomic="true">
        {/* A new key, so that the same words are said again. */}
        <span key={said.times}>{said.text}</span>
      </div>
    </Announce>
  );
}
