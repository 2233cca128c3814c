import { Button, Group, Stack } from "@mantine/core";
import { IconWebhook } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { createDestination, destinationsQuery, testDestination } from "../api/destinations";
import { useMayNot } from "../api/session";
import { useAnnounce } from "../parts/Announcer";
import { Empty } from "../parts/Empty";
import { PageHead } from "../parts/PageHead";
import { Panel } from "../parts/Panel";
import { DestinationForm } from "./DestinationForm";
import { FormAside } from "./FormAside";
import { type FormValues, inputOf, newForm } from "./form";
import { LeaveDialog } from "./LeaveDialog";
import classes from "./NewDestinationPage.module.css";
import { SecretOnce } from "./SecretOnce";
import { Steps } from "./Steps";
import { TestPanel } from "./TestPanel";
import { readAgain } from "./useChange";

const route = getRouteApi("/destinations/new");

const steps = ["Choose the type", "Configure", "Test and finish"];

/** "Add Destination", in steps: the type, the form, and a test of what was saved. */
export function NewDestinationPage() {
  const { type } = route.useSearch();
  const navigate = route.useNavigate();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const mayNot = useMayNot("admin");
  const [values, setValues] = useState<FormValues>(newForm);
  const { data: others = [] } = useQuery(destinationsQuery);
  const create = useMutation({
    mutationFn: () => createDestination(inputOf(values)),
    onSuccess: (d) => {
      announce("The destination was added");
      readAgain(queries, d.id);
      window.scrollTo({ top: 0 });
    },
  });
  const created = create.data;
  const step = created ? 2 : type === undefined ? 0 : 1;
  const dirty = !created && JSON.stringify(values) !== JSON.stringify(newForm);
  const change = (to: Partial<FormValues>) => {
    if (create.isError) {
      create.reset();
    }
    setValues((now) => ({ ...now, ...to }));
  };
  const crumb = (
    <nav aria-label="Breadcrumb" className={classes.crumb}>
      <Link to="/destinations">Alert Destinations</Link>
    </nav>
  );
  if (mayNot !== undefined) {
    return (
      <>
        {crumb}
        <PageHead title="Add Destination" />
        <Empty title="You cannot add a destination">{mayNot}</Empty>
      </>
    );
  }
  return (
    <>
      {crumb}
      <PageHead title="Add Destination" />
      <Steps steps={steps} at={step} />
      <LeaveDialog dirty={dirty} />
      {step === 0 && (
        <section aria-label="Choose the type" className={classes.types}>
          <Link to="/destinations/new" search={{ type: "webhook" }} className={classes.type}>
            <IconWebhook size={22} aria-hidden />
            <span>
              <strong>Custom Webhook</strong>
              <span className={classes.typeText}>Posts each alert as JSON to a URL of your choice.</span>
            </span>
          </Link>
        </section>
      )}
      {step === 1 && (
        <div className={classes.columns}>
          <Panel title="Configure Your Webhook Destination">
            <DestinationForm
              values={values}
              onChange={change}
              others={others}
              problem={create.error}
              pending={create.isPending}
              submit="Add Destination"
              onSubmit={() => create.mutate()}
              onCancel={() => void navigate({ to: "/destinations" })}
            />
          </Panel>
          <FormAside values={values} saved={undefined} />
        </div>
      )}
      {created && (
        <Panel title={`${created.displayName} is added`}>
          <Stack gap="md" className={classes.done}>
            <SecretOnce secret={created.signingSecret} />
            <div>
              <h3 className={classes.head}>Send a test alert</h3>
              <p className={classes.text}>
                It is signed with the secret above, and marked <span className="mono">Belfry-Test: true</span>. You can
                also do this later.
              </p>
              <TestPanel send={(input) => testDestination(created.id, input)} />
            </div>
            <Group gap="xs">
              <Button
                renderRoot={(props) => (
                  <Link {...props} to="/destinations/$destinationId" params={{ destinationId: created.id }} />
                )}
              >
                Finish Setup
              </Button>
              <Button
                variant="default"
                renderRoot={(props) => (
                  <Link {...props} to="/destinations/$destinationId/edit" params={{ destinationId: created.id }} />
                )}
              >
                Back to configuration
              </Button>
              <Button
                variant="default"
                onClick={() => {
                  create.reset();
                  setValues(newForm);
                  void navigate({ search: {} });
                }}
              >
                Add another
              </Button>
            </Group>
          </Stack>
        </Panel>
      )}
    </>
  );
}
