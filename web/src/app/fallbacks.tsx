import { Button } from "@mantine/core";
import { Link, useRouter } from "@tanstack/react-router";
import { Empty } from "../parts/Empty";
import { SkeletonLines } from "../parts/Loaded";
import { ProblemAlert } from "../parts/ProblemAlert";

/** There is no such page. */
export function NotFound() {
  return (
    <Empty title="There is no such page">
      <Link to="/">Go to the overview</Link>
    </Empty>
  );
}

/** A page is on its way. */
export function PagePending() {
  return <SkeletonLines lines={8} />;
}

/** A page broke: its code could not be fetched, or it threw. After an upgrade the old code is gone, and a reload helps. */
export function PageError({ error }: { error: unknown }) {
  const router = useRouter();
  return (
    <>
      <ProblemAlert title="This page could not be shown" error={error} retry={() => void router.invalidate()} />
      <Button mt="sm" variant="default" onClick={() => window.location.reload()}>
        Reload
      </Button>
    </>
  );
}
