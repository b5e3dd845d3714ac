// Streams begin at a fixed rate and overlap. k6 hands over a body only when it is whole, so the time to the first byte is
// `http_req_waiting`; the timing of single events is measured by bench/.

import { number, options as shared, setup as ready, stream } from "./gateway.js";

const rate = number("RATE", 20);

export const options = shared(
  {
    name: "stream",
    run: {
      executor: "constant-arrival-rate",
      rate,
      timeUnit: "1s",
      duration: __ENV.DURATION || "1m",
      preAllocatedVUs: rate * 2,
      maxVUs: rate * 20,
    },
  },
  {
    dropped_iterations: ["count<1"],
    http_req_waiting: [`p(95)<${number("FIRST_BYTE_P95_MS", 250)}`, `p(99)<${number("FIRST_BYTE_P99_MS", 500)}`],
  },
);

export const setup = ready;

export default function () {
  stream();
}
