import type { FormValues } from "./form";

/** The text of a form, and what is wrong with it. The page holds it, as what stands beside the form shows it too. */
export type FieldsProps = {
  values: FormValues;
  onChange: (change: Partial<FormValues>) => void;
  /** What is wrong with the field of this path, once it may be said. */
  errorOf: (path: string) => string | undefined;
};
