// Steady load in an open model: calls begin at their rate whether or not earlier ones have been answered, so a stall of
// the gateway shows in the percentiles instead of slowing down the test.

import { number, options as shared, setup as ready, unary } from "./gateway.js";

const rate = number("RATE", 200);

export const options = shared(
  {
    name: "steady",
    run: {
      executor: "constant-arrival-rate",
      rate,
      timeUnit: "1s",
      duration: __ENV.DURATION || "1m",
      preAllocatedVUs: Math.ceil(rate / 4),
      maxVUs: rate * 4,
    },
  },
  {
    // A dropped iteration is a call that k6 could not begin in time: the rate was not what it says.
    dropped_iterations: ["count<1"],
    http_req_duration: [`p(95)<${number("P95_MS", 100)}`, `p(99)<${number("P99_MS", 250)}`],
  },
);

export const setup = ready;

export default function () {
  unary();
}
