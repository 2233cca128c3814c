import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Empty.module.css";

/** Says that there is nothing, and what the next step is. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack gap={6} align="center" py={40} px="md" ta="center">
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text size="sm" c="dimmed" component="div" maw={520} className={classes.text}>
          {children}
        </Text>
      )}
    </Stack>
  );
}
