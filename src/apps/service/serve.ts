/** Starts the service and ends it. */

import type { AddressInfo } from "node:net";
import { admission } from "./http/admission.ts";
import { makeApp } from "./http/app.ts";
import { asking } from "./http/ask.ts";
import { type FetchRules, pictureFetcher } from "./http/fetch-picture.ts";
import { openMetrics } from "./http/metrics.ts";
import { addRoutes } from "./http/routes.ts";
import { openModels } from "./models/served-models.ts";
import type { ServiceSettings } from "./models/settings.ts";
import { addInferenceApi } from "./neighbours/inference-api.ts";
import { addLabelStudio } from "./neighbours/label-studio.ts";
import { addRoboflow } from "./neighbours/roboflow.ts";

/** A running service. */
export interface RunningService {
  /** Its URL. */
  readonly url: string;
  /** Takes no more requests, answers those that were taken, and ends the workers. */
  close(): Promise<void>;
}

/** Loads the models and listens. Throws InputError or WeightsError for wrong settings, and system errors of listening. */
export async function serve(settings: ServiceSettings): Promise<RunningService> {
  const { limits, host, port, labelStudio } = settings;
  const admitted = admission(limits.requests);
  const metrics = await openMetrics();
  const app = await makeApp(settings, admitted, metrics);
  const fetchPicture = await pictureFetcher(fetchRules(settings));
  const models = await openModels(settings, (model, error) => {
    metrics.workerEnded(model);
    app.log.error({ model, err: error }, "a worker ended and is replaced");
  });
  metrics.watch(models, admitted);
  let ending = false;
  const ask = asking(models, fetchPicture, limits);
  addRoutes(app, { models, ask, metrics, isEnding: () => ending });
  addInferenceApi(app, ask, models);
  addRoboflow(app, ask);
  addLabelStudio(app, ask, labelStudio?.url);
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

/** Label Studio's host is listed, and its key is sent to no other origin. */
function fetchRules({ urls, limits, labelStudio }: ServiceSettings): FetchRules {
  if (!labelStudio) return { ...urls, bytes: limits.bytes };
  const { host, origin } = new URL(labelStudio.url);
  const { key } = labelStudio;
  const credentials = { origin, headers: key === undefined ? {} : { authorization: `Token ${key}` } };
  return { ...urls, hosts: [...urls.hosts, host], bytes: limits.bytes, credentials };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
