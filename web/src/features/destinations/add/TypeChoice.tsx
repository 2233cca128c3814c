import { IconPlug } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { DestinationTypeInfo } from "../../../api/types";
import classes from "./types.module.css";

/** The first step of "Add Destination": which type it will have. */
export function TypeChoice({ types }: { types: readonly DestinationTypeInfo[] }) {
  return (
    <section aria-label="Choose the type" className={classes.types}>
      {types.map((t) => (
        <Link key={t.type} to="/destinations/new" search={{ type: t.type }} className={classes.type}>
          <IconPlug size={22} aria-hidden />
          <span>
            <strong>{t.name}</strong>
            <span className={classes.text}>{t.description}</span>
          </span>
        </Link>
      ))}
    </section>
  );
}
