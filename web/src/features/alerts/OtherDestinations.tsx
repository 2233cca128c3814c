import { Button, Checkbox, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { alertKey, routeQuery, sendAlert } from "../../api/alerts";
import { useMayNot } from "../../api/session";
import type { Delivery, ExplainedRoute } from "../../api/types";
import { useAction } from "../../api/useAction";
import { ActionButton } from "../../ui/act/ActionButton";
import { useAnnounce } from "../../ui/act/Announcer";
import { Loaded } from "../../ui/page/Loaded";
import { ProblemAlert } from "../../ui/page/ProblemAlert";
import { isolated } from "../../words/bidi";
import classes from "./DeliveryStatusPanel.module.css";

/** The destinations that the alert did not go to, and why not by today's settings. It can be sent to them from here. */
export function OtherDestinations({ alertId, deliveries }: { alertId: string; deliveries: readonly Delivery[] }) {
  const [opened, { toggle, close }] = useDisclosure();
  const button = useRef<HTMLButtonElement>(null);
  const query = useQuery({ ...routeQuery(alertId), enabled: opened });
  return (
    <div className={classes.others}>
      <div className={classes.othersHead}>
        <Button ref={button} size="compact-xs" variant="subtle" aria-expanded={opened} onClick={toggle}>
          {opened ? "Hide other destinations" : "Other destinations: why not, and send"}
        </Button>
        {opened && <span className="dim">Why not, by today’s settings</span>}
      </div>
      {opened && (
        <Loaded query={query} what="The route" lines={3}>
          {(routed) => (
            <Choices
              alertId={alertId}
              others={othersOf(routed, deliveries)}
              onSent={() => {
                close();
                button.current?.focus();
              }}
            />
          )}
        </Loaded>
      )}
    </div>
  );
}

type Other = ExplainedRoute["destinations"][number];

function othersOf(routed: ExplainedRoute, deliveries: readonly Delivery[]): Other[] {
  const gone = new Set(deliveries.map((d) => d.destination.id));
  return routed.destinations.filter((d) => !gone.has(d.id));
}

function Choices({ alertId, others, onSent }: { alertId: string; others: readonly Other[]; onSent: () => void }) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [find, setFind] = useState("");
  const queries = useQueryClient();
  const announce = useAnnounce();
  const mayNot = useMayNot("operate");
  const send = useAction({
    mutationFn: () => sendAlert(alertId, [...chosen]),
    onSuccess: async () => {
      announce("Queued");
      onSent();
      await queries.invalidateQueries({ queryKey: alertKey(alertId) });
    },
  });
  if (others.length === 0) {
    return <p className={classes.note}>There is no other destination.</p>;
  }
  const toggle = (id: string) => setChosen((now) => (now.includes(id) ? now.filter((n) => n !== id) : [...now, id]));
  const matching = others.filter((o) => o.displayName.toLowerCase().includes(find.toLowerCase()));
  return (
    <>
      <ul className={classes.othersList}>
        {others.length > 10 && (
          <TextInput
            aria-label="Find a destination"
            placeholder="Find"
            value={find}
            onChange={(e) => setFind(e.currentTarget.value)}
          />
        )}
        {matching.map((o) => (
          <li key={o.id} className={classes.othersItem}>
            <Checkbox
              label={isolated(o.displayName)}
              description={o.routed ? `Today it would go there: ${o.why}` : o.why}
              checked={chosen.includes(o.id)}
              onChange={() => toggle(o.id)}
            />
          </li>
        ))}
      </ul>
      <div className={classes.send}>
        <ActionButton
          mayNot={mayNot ?? (chosen.length === 0 ? "Choose where to send it first." : undefined)}
          loading={send.isPending}
          onClick={() => send.mutate()}
        >
          {chosen.length > 1 ? `Send to ${chosen.length} destinations` : "Send"}
        </ActionButton>
        <span className="dim">Filters do not apply; a paused destination holds it.</span>
        {send.isError && <ProblemAlert title="It could not be sent" error={send.error} />}
      </div>
    </>
  );
}
