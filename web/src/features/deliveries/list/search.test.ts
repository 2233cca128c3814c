import { expect, test } from "vitest";
import { parseSearch } from "../../../app/search";
import {
  countFilters,
  deliveriesPageSearch,
  deliveriesSearch,
  deliveryFilters,
  failedLastDay,
  sameSearch,
  searchOfBulk,
} from "./search";

const id = "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001";
const now = Date.parse("2026-03-02T12:00:00Z");

test("of the URL what makes sense stays, in one order", () => {
  const url = `?status=held,failed&reason=paused&destination=${id}&severity=LOW&class=timeout&code=503&routedBy=manual&alert=a-1&last=1h`;
  expect(deliveriesSearch(parseSearch(url))).toEqual({
    status: ["failed", "held"],
    reason: ["paused"],
    destination: [id],
    severity: ["LOW"],
    class: ["timeout"],
    code: "503",
    routedBy: ["manual"],
    alert: "a-1",
    last: "1h",
  });
  expect(
    deliveriesPageSearch(parseSearch("?status=sending&reason=bored&destination=x&code=99&class=ok&bulk=7&last=1y")),
  ).toEqual({});
  expect(deliveriesPageSearch(parseSearch(`?bulk=${id}`))).toEqual({ bulk: id });
});

test("filters are what the API takes; counts leave the status out", () => {
  const search = deliveriesSearch(parseSearch(`?status=failed&destination=${id}&code=503&last=24h`));
  const rest = { destinationId: [id], statusCode: 503, from: "2026-03-01T12:00:00.000Z" };
  expect(deliveryFilters(search, now)).toEqual({ status: ["failed"], ...rest });
  expect(countFilters(search, now)).toEqual(rest);
});

test("the saved view is known again, however it was come to", () => {
  expect(sameSearch(deliveriesSearch(parseSearch("?last=24h&status=failed")), failedLastDay)).toBe(true);
  expect(sameSearch({ ...failedLastDay, code: undefined }, failedLastDay)).toBe(true);
  expect(sameSearch({ ...failedLastDay, severity: ["HIGH"] }, failedLastDay)).toBe(false);
});

test("what a bulk re-send was for is found again, whatever became of it", () => {
  const filter = {
    status: ["failed" as const],
    class: ["timeout" as const],
    destinationId: [id],
    from: "2026-03-02T08:00:00Z",
  };
  expect(searchOfBulk({ filter })).toEqual({ destination: [id], from: "2026-03-02T08:00:00Z" });
  expect(searchOfBulk({ filter: null })).toBeUndefined();
});
