import { Kbd, Modal, Switch, Table, Text } from "@mantine/core";

const keys = [
  ["/", "Search"],
  ["j", "Next row"],
  ["k", "Previous row"],
  ["Enter", "Open the row"],
  ["x", "Select the row, or deselect it. Space does the same"],
  ["r", "Re-send the selected rows. If none is selected, re-send or send now the row that has the focus"],
  ["Esc", "Leave a field, or close a dialog"],
  ["?", "This help"],
] as const;

/** What the keys do, and a switch for them. */
export function HelpDialog({
  opened,
  onClose,
  on,
  setOn,
}: {
  opened: boolean;
  onClose: () => void;
  on: boolean;
  setOn: (on: boolean) => void;
}) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys">
      <Table withRowBorders={false} verticalSpacing={4}>
        <Table.Tbody>
          {keys.map(([key, does]) => (
            <Table.Tr key={key}>
              <Table.Td w={80}>
                <Kbd>{key}</Kbd>
              </Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        size="sm"
        checked={on}
        onChange={(e) => setOn(e.currentTarget.checked)}
        label="Single keys do something"
      />
      <Text size="xs" c="dimmed" mt={4}>
        Switch them off if you dictate. Esc always works.
      </Text>
    </Modal>
  );
}
