import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = [
  "#eaf2fb",
  "#d3e3f5",
  "#a6c6ea",
  "#77a8df",
  "#5e9be0",
  "#3a80d0",
  "#2c76cc",
  "#1f62b0",
  "#17559d",
  "#094a8d",
];

// Text, dimmed text, lines and grounds of the dark scheme: neutral, and light enough on each other to read.
const dark: MantineColorsTuple = [
  "#d6dae1",
  "#b6bcc7",
  "#99a2b0",
  "#7b8494",
  "#434a56",
  "#333943",
  "#252a32",
  "#16191e",
  "#111418",
  "#0c0e11",
];

/** Calm and dense: small type, small radii, one accent. Other colours are left to the statuses (tokens.css). */
export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 8 },
  colors: { accent, dark },
  defaultRadius: 4,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.25rem", lineHeight: "1.4" },
      h2: { fontSize: "0.9375rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "xs", fw: 500 } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray", size: "md" } },
    TextInput: { defaultProps: { size: "xs" } },
    Select: { defaultProps: { size: "xs" } },
    Checkbox: { defaultProps: { size: "xs" } },
    Tooltip: {
      defaultProps: {
        openDelay: 300,
        multiline: true,
        maw: 320,
        events: { hover: true, focus: true, touch: true },
        portalProps: { target: "#main" }, // within a landmark, where screen readers look
      },
    },
    Modal: {
      defaultProps: {
        centered: true,
        // A <header> in a dialog would count as a second banner of the page.
        attributes: { header: { role: "presentation" } },
        closeButtonProps: { "aria-label": "Close" },
        overlayProps: { backgroundOpacity: 0.4 },
        transitionProps: { duration: 80 },
      },
    },
    Menu: {
      defaultProps: {
        shadow: "md",
        transitionProps: { duration: 80 },
        portalProps: { target: "#main" }, // as for tooltips
        withInitialFocusPlaceholder: false, // it is no item, and a menu may have nothing else
      },
    },
    Popover: { defaultProps: { shadow: "md", transitionProps: { duration: 80 } } },
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  // Mantine's own dimmed text is too faint on white for WCAG AA.
  light: { "--mantine-color-dimmed": "#565f6d", "--mantine-color-text": "#1c222c", "--mantine-color-error": "#b3261e" },
  dark: { "--mantine-color-error": "#ff9c94", "--mantine-color-anchor": "#7fb4ee" },
});
