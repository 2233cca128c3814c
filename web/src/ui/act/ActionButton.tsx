import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";

/**
 * A button that does something. When it cannot, `mayNot` says why: the button then stays in reach of keyboard and
 * pointer, so that the reason can be found out, and does nothing.
 */
export function ActionButton({
  mayNot,
  onClick,
  children,
  shortcut,
  autofocus = false,
  ...props
}: ButtonProps & {
  mayNot?: string | undefined;
  onClick: () => void;
  children: ReactNode;
  /** The key that presses it within the focused row or on the page. */
  shortcut?: string | undefined;
  /** Whether the dialog that it is in begins with the focus on it. */
  autofocus?: boolean;
}) {
  const disabled = mayNot !== undefined;
  const button = (
    <Button
      variant="default"
      {...props}
      onClick={disabled ? undefined : onClick}
      aria-disabled={disabled || undefined}
      data-disabled={disabled || undefined}
      data-autofocus={autofocus || undefined}
      data-shortcut={disabled ? undefined : shortcut}
      aria-description={mayNot}
    >
      {children}
    </Button>
  );
  return disabled ? <Tooltip label={mayNot}>{button}</Tooltip> : button;
}
