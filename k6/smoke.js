// Does it work at all? One caller, ten seconds, both kinds of call, the model list, and a wrong key.

import { check } from "k6";
import http from "k6/http";

import { BASE_URL, options as shared, setup as ready, stream, unary } from "./gateway.js";

export const options = shared(
  { name: "smoke", run: { executor: "constant-vus", vus: 1, duration: __ENV.DURATION || "10s" } },
  { "http_req_duration{kind:unary}": ["p(95)<2000"] },
);

export const setup = ready;

export default function () {
  unary();
  stream();
  const models = http.get(`${BASE_URL}/v1/models`, { headers: { authorization: `Bearer ${__ENV.API_KEY}` } });
  check(models, { "models: listed": (r) => r.status === 200 && r.json().data.length > 0 });
  // Once per run: the gateway limits wrong keys per address.
  if (__ITER === 0) {
    const refused = http.get(`${BASE_URL}/v1/models`, {
      headers: { authorization: "Bearer sk-fgw-wrong" },
      responseCallback: http.expectedStatuses(401),
    });
    check(refused, { "wrong key: 401": (r) => r.status === 401 });
  }
}
