// From calm to ten times the rate within a second, and back, twice: nobody may be refused, and calm must be calm again.

import { number, options as shared, setup as ready, unary } from "./gateway.js";

const calm = number("RATE", 50);
const peak = number("PEAK", calm * 10);

export const options = shared(
  {
    name: "burst",
    run: {
      executor: "ramping-arrival-rate",
      startRate: calm,
      timeUnit: "1s",
      preAllocatedVUs: Math.ceil(peak / 4),
      maxVUs: peak * 4,
      stages: [
        { target: calm, duration: "10s" },
        { target: peak, duration: "1s" },
        { target: peak, duration: "10s" },
        { target: calm, duration: "1s" },
        { target: calm, duration: "10s" },
        { target: peak, duration: "1s" },
        { target: peak, duration: "10s" },
        { target: calm, duration: "1s" },
        { target: calm, duration: "10s" },
      ],
    },
  },
  {
    dropped_iterations: ["count<1"],
    http_req_duration: ["med<100", `p(99)<${number("P99_MS", 1000)}`],
  },
);

export const setup = ready;

export default function () {
  unary();
}
