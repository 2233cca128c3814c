import { Button, Checkbox, Group, Input, Modal, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { createToken, tokensKey } from "../../api/tokens";
import { type CreatedToken, scopes } from "../../api/types";
import { useAction } from "../../api/useAction";
import { CodeBlock } from "../../ui/code/CodeBlock";
import { CopyButton } from "../../ui/code/CopyButton";
import { ProblemAlert } from "../../ui/page/ProblemAlert";
import { isolated } from "../../words/bidi";
import { scopeWord } from "../../words/labels";
import { postAlertCommand } from "../../words/postAlert";
import classes from "./settings.module.css";
import { emptyTokenForm, isIncluded, toggleScope, tokenErrors, tokenInput } from "./tokenForm";

/** Makes a token, and then shows it: that once, so the dialog closes only by its button. */
export function NewTokenDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const create = useAction({
    mutationFn: createToken,
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensKey }),
  });
  const made = create.data;
  return (
    <Modal
      opened
      onClose={made ? () => {} : onClose}
      withCloseButton={made === undefined}
      title={made ? `The token “${isolated(made.name)}”` : "Create a token"}
      size={made ? "lg" : "md"}
    >
      {made ? (
        <NewToken token={made} onClose={onClose} />
      ) : (
        <TokenFields error={create.error} pending={create.isPending} onCreate={create.mutate} onClose={onClose} />
      )}
    </Modal>
  );
}

function TokenFields({
  error,
  pending,
  onCreate,
  onClose,
}: {
  error: unknown;
  pending: boolean;
  onCreate: (input: ReturnType<typeof tokenInput>) => void;
  onClose: () => void;
}) {
  const [form, setForm] = useState(emptyTokenForm);
  const [tried, setTried] = useState(false);
  const missing = tried ? tokenErrors(form) : {};
  const problem = error === null ? undefined : asProblem(error);
  const [nameError, scopesError] = [missing.name ?? problem?.field("name"), missing.scopes ?? problem?.field("scopes")];
  return (
    <form
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        setTried(true);
        if (Object.keys(tokenErrors(form)).length === 0) {
          onCreate(tokenInput(form));
        }
      }}
    >
      <Stack gap="sm">
        <TextInput
          label="Name"
          description="Who or what will use it. The name is shown beside everything that is done with the token."
          placeholder="detection engine"
          required
          maxLength={200}
          data-autofocus
          autoComplete="off"
          value={form.name}
          error={nameError}
          onChange={(e) => setForm({ ...form, name: e.currentTarget.value })}
        />
        <Input.Wrapper label="What it may do" labelElement="div" required error={scopesError} size="xs">
          <Stack gap={8} mt={4} role="group" aria-label="What it may do">
            {scopes.map((s) => {
              const included = isIncluded(form.scopes, s);
              return (
                <Checkbox
                  key={s}
                  label={<span className="mono">{s}</span>}
                  description={`${capital(scopeWord[s])}${included ? " (included)" : ""}`}
                  checked={included || form.scopes.includes(s)}
                  disabled={included}
                  onChange={() => setForm({ ...form, scopes: toggleScope(form.scopes, s) })}
                />
              );
            })}
          </Stack>
        </Input.Wrapper>
        {problem && nameError === undefined && scopesError === undefined && (
          <ProblemAlert title="The token could not be created" error={error} />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={pending}>
            Create token
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function NewToken({ token, onClose }: { token: CreatedToken; onClose: () => void }) {
  return (
    <Stack gap="sm">
      <p className={classes.once}>Copy it now. You will not see it again, and Belfry keeps no copy.</p>
      <div className={classes.token}>
        <code className="mono">{token.token}</code>
        <CopyButton text={token.token} what="token" />
      </div>
      {token.scopes.includes("ingest") || token.scopes.includes("admin") ? (
        <div>
          <p className={classes.lead}>Post an alert with it:</p>
          <CodeBlock body={{ text: postAlertCommand(window.location.origin, token.token) }} what="command" plain />
        </div>
      ) : (
        <p className={classes.lead}>
          Send it as <span className="mono">Authorization: Bearer …</span>, or sign in with it here.
        </p>
      )}
      <Group justify="flex-end">
        <Button onClick={onClose} data-autofocus>
          I have copied it
        </Button>
      </Group>
    </Stack>
  );
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
