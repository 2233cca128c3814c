import { CloseButton, Kbd, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import classes from "./FilterBar.module.css";

/** Text to search for. It takes effect when typing pauses, and at once with Enter. */
export function SearchField({
  value,
  onChange,
  placeholder,
}: {
  value: string;
  onChange: (text: string) => void;
  placeholder: string;
}) {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (value !== told) {
    // It was changed from outside: by "Clear filters", or by going back.
    setTold(value);
    setText(value);
  }
  const tell = (next: string) => {
    setTold(next.trim());
    onChange(next.trim());
  };
  useEffect(() => {
    if (text.trim() === told) {
      return;
    }
    const timer = setTimeout(() => tell(text), 350);
    return () => clearTimeout(timer);
  });
  return (
    <TextInput
      type="text"
      className={classes.search}
      aria-label={placeholder}
      placeholder={placeholder}
      data-search
      maxLength={200}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={(e) => setText(e.currentTarget.value)}
      onKeyDown={(e) => e.key === "Enter" && tell(text)}
      rightSection={
        text === "" ? (
          <Kbd size="xs" aria-hidden>
            /
          </Kbd>
        ) : (
          <CloseButton
            size="xs"
            aria-label="Clear the search"
            onClick={() => {
              setText("");
              tell("");
            }}
          />
        )
      }
    />
  );
}
