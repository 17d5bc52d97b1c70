/** Numbers for Prometheus. */

import { optional } from "../../../files/optional-package.ts";
import type { ServedModels } from "../models/served-models.ts";
import type { Admission } from "./admission.ts";

export interface Metrics {
  /** A request was answered. */
  answered(route: string, status: number, seconds: number): void;
  /** A request was refused before it was read: the service is full, or the token is wrong. */
  refused(reason: "full" | "token" | "ending"): void;
  /** The client left before it had its answer. */
  left(): void;
  workerEnded(model: string): void;
  /** Adds the gauges of a running service. */
  watch(models: ServedModels, admitted: Admission): void;
  readonly contentType: string;
  text(): Promise<string>;
}

/** Throws InputError if the package is missing. */
export async function openMetrics(): Promise<Metrics> {
  const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = (
    await optional(() => import("prom-client"), { purpose: "groundling serve", packages: ["prom-client"] })
  ).default;
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "groundling_request_seconds",
    help: "Seconds from the head of a request to the end of its answer",
    labelNames: ["route", "status"],
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  const refusals = new Counter({
    name: "groundling_refused_total",
    help: "Requests that were refused before they were read",
    labelNames: ["reason"],
    registers,
  });
  const departures = new Counter({
    name: "groundling_clients_left_total",
    help: "Clients that left before they had their answer",
    registers,
  });
  const ended = new Counter({
    name: "groundling_workers_ended_total",
    help: "Worker threads that ended unexpectedly and were replaced",
    labelNames: ["model"],
    registers,
  });
  return {
    answered: (route, status, seconds) => requests.observe({ route, status }, seconds),
    refused: (reason) => refusals.inc({ reason }),
    left: () => departures.inc(),
    workerEnded: (model) => ended.inc({ model }),
    watch(models, admitted) {
      new Gauge({
        name: "groundling_active_requests",
        help: "Requests that are read, wait or run",
        registers,
        collect() {
          this.set(admitted.active);
        },
      });
      new Gauge({
        name: "groundling_waiting_tasks",
        help: "Pictures that wait for a worker",
        labelNames: ["model"],
        registers,
        collect() {
          for (const { name, pool } of models.models) this.set({ model: name }, pool.waiting);
        },
      });
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
