import classes from "./DestinationForm.module.css";

/** What is wrong with a field that does not say it itself. */
export function FieldError({ message }: { message: string | undefined }) {
  return message === undefined ? null : (
    <p className={classes.error} role="alert">
      {message}
    </p>
  );
}
