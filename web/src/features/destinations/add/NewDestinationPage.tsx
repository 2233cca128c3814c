import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, Navigate } from "@tanstack/react-router";
import { useState } from "react";
import { destinationTypesQuery } from "../../../api/destinations";
import { useMayNot } from "../../../api/session";
import type { DestinationTypeInfo } from "../../../api/types";
import { Empty } from "../../../ui/page/Empty";
import { Loaded } from "../../../ui/page/Loaded";
import { PageHead } from "../../../ui/page/PageHead";
import { LeaveDialog } from "../edit/LeaveDialog";
import type { SettingsValues } from "../fields/settings";
import { type FormValues, inputOf, newForm } from "../form/form";
import { CreatedPanel } from "./CreatedPanel";
import classes from "./NewDestinationPage.module.css";
import { type Created, NewForm } from "./NewForm";
import { Steps } from "./Steps";
import { TypeChoice } from "./TypeChoice";

const route = getRouteApi("/destinations/new");

const steps = ["Choose the type", "Configure", "Test and finish"];

/** "Add Destination", in steps: the type, the form, and a test of what was saved. */
export function NewDestinationPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const mayNot = useMayNot("admin");
  const types = useQuery(destinationTypesQuery);
  const [entered, setEntered] = useState<FormValues>(newForm);
  const [settings, setSettings] = useState<Record<string, SettingsValues>>({}); // by type
  const [last, setLast] = useState<Created>();
  const created = last?.id === search.created ? last : undefined;
  const type = chosenOf(types.data ?? [], search.type);
  const step = created ? 2 : type === undefined ? 0 : 1;
  const values = { ...entered, settings: (type && settings[type.type]) ?? newForm.settings };
  const dirty = type !== undefined && step < 2 && differs(values, newForm, type);
  const change = ({ settings: changed, ...rest }: Partial<FormValues>) => {
    setEntered((now) => ({ ...now, ...rest }));
    if (type && changed) {
      setSettings((now) => ({ ...now, [type.type]: changed }));
    }
  };
  const onCreated = (d: Created) => {
    setLast(d);
    window.scrollTo({ top: 0 });
    // In the place of the form: whoever goes back must not find one there that looks unsaved.
    const there = navigate({ search: { created: d.id }, replace: true, ignoreBlocker: true });
    void there.then(() => {
      setEntered(newForm);
      setSettings({});
    });
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
      {!created && (
        <Loaded query={types} what="The types of destinations" lines={8}>
          {(all) =>
            type === undefined ? (
              <TypeChoice types={all} />
            ) : (
              <NewForm
                key={type.type}
                type={type}
                choose={all.length > 1 && <Link to="/destinations/new">Choose another type</Link>}
                values={values}
                onChange={change}
                onCreated={onCreated}
              />
            )
          }
        </Loaded>
      )}
      {created && <CreatedPanel created={created} onAnother={() => void navigate({ search: {} })} />}
    </>
  );
}

/** The type that was chosen. Where there is only one, nobody has to choose it. */
function chosenOf(types: readonly DestinationTypeInfo[], name: string | undefined): DestinationTypeInfo | undefined {
  return types.length === 1 ? types[0] : types.find((t) => t.type === name);
}

function differs(a: FormValues, b: FormValues, type: DestinationTypeInfo): boolean {
  return JSON.stringify(inputOf(a, type)) !== JSON.stringify(inputOf(b, type));
}
