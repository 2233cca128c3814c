import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// A second, which is the library's own, is not enough to load a page's code on a machine that has much else to do.
configure({ asyncUtilTimeout: 10_000 });

afterEach(cleanup);
