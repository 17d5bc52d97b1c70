/** The files of a model folder on a server. */

import { WeightsError } from "../../errors.ts";
import { safetensorsIn } from "../../weights/safetensors-header.ts";
import type { ModelFiles } from "./read-folder.ts";

/** The files below an address; `signal` stops their transfer. */
export function fetchedFiles(address: URL, signal?: AbortSignal): ModelFiles {
  const folder = new URL(address);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  const placeOf = (file: string) => new URL(file, folder).href;
  const fetched = (file: string) => fetchFile(placeOf(file), signal);
  return {
    name: decodeURIComponent(folder.pathname.split("/").at(-2)!),
    placeOf,
    text: async (file) => (await fetched(file))?.text(),
    weights: async (file) => {
      const bytes = await (await fetched(file))?.arrayBuffer();
      return bytes && safetensorsIn(bytes, placeOf(file));
    },
  };
}

/** Undefined for a file that is not there; some servers answer a page of theirs instead of 404. */
async function fetchFile(address: string, signal?: AbortSignal): Promise<Response | undefined> {
  const response = await fetch(address, signal ? { signal } : {}).catch((cause) => {
    if (signal?.aborted) throw cause;
    throw new WeightsError(`${address}: cannot be fetched (${cause instanceof Error ? cause.message : cause})`, {
      cause,
    });
  });
  if (response.status === 404 || response.headers.get("content-type")?.startsWith("text/html")) return undefined;
  if (!response.ok) throw new WeightsError(`${address}: cannot be fetched (the server answered ${response.status})`);
  return response;
}
