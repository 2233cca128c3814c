import { CopyButton } from "./CopyButton";
import classes from "./CopyId.module.css";

/** An id, in full or cut by the space it has, that copies. `what` names it: "alert ID". */
export function CopyId({ id, what }: { id: string; what: string }) {
  return (
    <span className={classes.id}>
      <span className={`mono ${classes.text}`} title={id}>
        {id}
      </span>
      <CopyButton text={id} what={what} />
    </span>
  );
}
