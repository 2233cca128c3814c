import { expect, test } from "vitest";
import { urlError } from "./url";

test.each([
  ["soar.example.com/x", "Must start with"],
  ["ftp://soar.example.com", "Must start with"],
  ["https://", "Must have a host"],
  ["https:///path", "Must have a host"],
  ["https://a b.example.com", "no spaces"],
  ["https://user:pw@soar.example.com", "user name or password"],
  ["https://soar.example.com/#part", "fragment"],
  ["https://soar.example.com:0/", "port"],
  ["https://soar.example.com:99999", "port"],
  ["https://soar.example.com:/", "port"],
  ["https://so!ar.example.com", "host may have"],
])("the URL %j is refused", (url, message) => {
  expect(urlError(url)).toContain(message);
});

test.each([
  "https://soar.example.com",
  "HTTP://soar.example.com:8080/a?b=c@d",
  "http://127.0.0.1:18081/ok",
  "https://[2001:db8::1]:8443/x",
  "https://bücher.example/x",
  "https://under_score.example.com",
])("the URL %j passes", (url) => {
  expect(urlError(url)).toBeUndefined();
});
