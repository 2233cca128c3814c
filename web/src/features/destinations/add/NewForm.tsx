import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { createDestination, destinationsQuery } from "../../../api/destinations";
import type { DestinationTypeInfo } from "../../../api/types";
import { useAction } from "../../../api/useAction";
import { useAnnounce } from "../../../ui/act/Announcer";
import { Panel } from "../../../ui/page/Panel";
import { readAgain } from "../dialogs/useChange";
import { DestinationForm } from "../form/DestinationForm";
import { type FormValues, inputOf } from "../form/form";
import { FormAside } from "../preview/FormAside";
import classes from "./NewDestinationPage.module.css";
import { TypeChosen } from "./TypeChosen";

export type Created = Awaited<ReturnType<typeof createDestination>>;

/** The form of a new destination, with a test beside it. The page holds what was entered. */
export function NewForm({
  type,
  choose,
  values,
  onChange,
  onCreated,
}: {
  type: DestinationTypeInfo;
  /** Leads back to the choice of the type; none where there is only one. */
  choose: ReactNode;
  values: FormValues;
  onChange: (to: Partial<FormValues>) => void;
  onCreated: (created: Created) => void;
}) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const { data: others = [] } = useQuery(destinationsQuery);
  const create = useAction({
    mutationFn: () => createDestination(inputOf(values, type)),
    onSuccess: (d) => {
      announce("The destination was added");
      readAgain(queries, d.id);
      onCreated(d);
    },
  });
  const change = (to: Partial<FormValues>) => {
    if (create.isError) {
      create.reset();
    }
    onChange(to);
  };
  return (
    <div className={classes.columns}>
      <Panel title={`Configure Your ${type.name} Destination`}>
        <TypeChosen type={type}>{choose}</TypeChosen>
        <DestinationForm
          type={type}
          values={values}
          onChange={change}
          others={others}
          problem={create.error}
          // Until the page has gone on: what is created must not be created once more.
          pending={create.isPending || create.isSuccess}
          submit="Add Destination"
          onSubmit={() => create.mutate()}
          onCancel={() => void navigate({ to: "/destinations" })}
        />
      </Panel>
      <FormAside type={type} values={values} saved={undefined} />
    </div>
  );
}
