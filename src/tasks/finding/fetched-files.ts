/** The files of a model folder on a server. */

import { WeightsError } from "../../errors.ts";
import { safetensorsIn } from "../../weights/safetensors-header.ts";
import type { ModelFiles } from "./read-folder.ts";

/** How files are fetched. */
export interface FetchedOptions {
  /** Stops the transfer. */
  signal?: AbortSignal;
  /** Called with the bytes received so far, of all files. */
  received?(bytes: number): void;
}

/** Files held in memory, such as those of a folder that was chosen in a page, by their names. */
export function heldFiles(files: Readonly<Record<string, Blob>>, name: string): ModelFiles {
  return {
    name,
    placeOf: (file) => `${name}/${file}`,
    text: async (file) => files[file]?.text(),
    weights: async (file) => {
      const bytes = await files[file]?.arrayBuffer();
      return bytes && safetensorsIn(bytes, `${name}/${file}`);
    },
  };
}

/** The files below an address. */
export function fetchedFiles(address: URL, { signal, received }: FetchedOptions = {}): ModelFiles {
  const folder = new URL(address);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  const placeOf = (file: string) => new URL(file, folder).href;
  let bytes = 0;
  const counted =
    received &&
    ((more: number) => {
      bytes += more;
      received(bytes);
    });
  const fetched = async (file: string) => {
    const response = await fetchFile(placeOf(file), signal);
    return response && counted ? watched(response, counted) : response;
  };
  return {
    name: decodeURIComponent(folder.pathname.split("/").at(-2)!),
    placeOf,
    text: async (file) => (await fetched(file))?.text(),
    weights: async (file) => {
      const whole = await (await fetched(file))?.arrayBuffer();
      return whole && safetensorsIn(whole, placeOf(file));
    },
  };
}

/** The same response; `more` is called with the number of bytes of each piece. */
function watched(response: Response, more: (bytes: number) => void): Response {
  const { body, headers, status } = response;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      more(piece.length);
      controller.enqueue(piece);
    },
  });
  return new Response(body!.pipeThrough(count), { headers, status });
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
