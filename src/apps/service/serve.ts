/** Starts the service and ends it. */

import type { AddressInfo } from "node:net";
import { admission } from "./http/admission.ts";
import { makeApp } from "./http/app.ts";
import { asking } from "./http/ask.ts";
import { pictureFetcher } from "./http/fetch-picture.ts";
import { openMetrics } from "./http/metrics.ts";
import { addRoutes } from "./http/routes.ts";
import { openModels } from "./models/served-models.ts";
import type { ServiceSettings } from "./models/settings.ts";

/** A running service. */
export interface RunningService {
  /** Its URL. */
  readonly url: string;
  /** Takes no more requests, answers those that were taken, and ends the workers. */
  close(): Promise<void>;
}

/** Loads the models and listens. Throws InputError or WeightsError for wrong settings, and system errors of listening. */
export async function serve(settings: ServiceSettings): Promise<RunningService> {
  const { limits, host, port, urls } = settings;
  const admitted = admission(limits.requests);
  const metrics = await openMetrics();
  const app = await makeApp(settings, admitted, metrics);
  const fetchPicture = await pictureFetcher({ ...urls, bytes: limits.bytes });
  const models = await openModels(settings, (model, error) => {
    metrics.workerEnded(model);
    app.log.error({ model, err: error }, "a worker ended and is replaced");
  });
  metrics.watch(models, admitted);
  let ending = false;
  const ask = asking(models, fetchPicture, limits);
  addRoutes(app, { models, ask, metrics, isEnding: () => ending });
  // After the last answer.
  app.addHook("onClose", () => models.close());
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw error;
  }
  return {
    url: urlOf(app.server.address() as AddressInfo),
    close: () => {
      ending = true;
      return app.close();
    },
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
