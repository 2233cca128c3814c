import { IconWebhook } from "@tabler/icons-react";
import { getRouteApi, Link, Navigate } from "@tanstack/react-router";
import { useState } from "react";
import { useMayNot } from "../../../api/session";
import { Empty } from "../../../ui/page/Empty";
import { PageHead } from "../../../ui/page/PageHead";
import { LeaveDialog } from "../edit/LeaveDialog";
import { type FormValues, newForm } from "../form/form";
import { CreatedPanel } from "./CreatedPanel";
import classes from "./NewDestinationPage.module.css";
import { type Created, NewForm } from "./NewForm";
import { Steps } from "./Steps";

const route = getRouteApi("/destinations/new");

const steps = ["Choose the type", "Configure", "Test and finish"];

/** "Add Destination", in steps: the type, the form, and a test of what was saved. */
export function NewDestinationPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const mayNot = useMayNot("admin");
  const [values, setValues] = useState<FormValues>(newForm);
  const [last, setLast] = useState<Created>();
  const created = last?.id === search.created ? last : undefined;
  const step = created ? 2 : search.type === undefined ? 0 : 1;
  const dirty = step < 2 && JSON.stringify(values) !== JSON.stringify(newForm);
  const onCreated = (d: Created) => {
    setLast(d);
    window.scrollTo({ top: 0 });
    // In the place of the form: whoever goes back must not find one there that looks unsaved.
    const there = navigate({ search: { created: d.id }, replace: true, ignoreBlocker: true });
    void there.then(() => setValues(newForm));
  };
  const crumb = (
    <nav aria-label="Breadcrumb" className={classes.crumb}>
      <Link to="/destinations">Alert Destinations</Link>
    </nav>
  );
  if (search.created !== undefined && created === undefined) {
    // Someone comes back to it: the secret was shown then, and is not any more.
    return <Navigate to="/destinations/$destinationId" params={{ destinationId: search.created }} replace />;
  }
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
        <NewForm values={values} onChange={(to) => setValues((now) => ({ ...now, ...to }))} onCreated={onCreated} />
      )}
      {created && <CreatedPanel created={created} onAnother={() => void navigate({ search: {} })} />}
    </>
  );
}
