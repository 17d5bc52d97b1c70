/** The model: the built-in one, one by address, or a folder. */

import { useEffect, useState } from "preact/hooks";
import { messageOf } from "./app.tsx";
import type { Backend, ModelPlace } from "./model-worker.ts";
import { builtIn, load } from "./worker-client.ts";

export interface Model {
  state: "loading" | "ready" | "failed";
  /** In the header. */
  badge: string;
  problem?: string;
  load(place: ModelPlace): void;
}

/** Loads the built-in model at once, and others when they are asked for. */
export function useModel(): Model {
  const [status, setStatus] = useState<Omit<Model, "load">>({ state: "loading", badge: "loading the model …" });
  const [kept, setKept] = useState("");
  const start = (place: ModelPlace) => {
    setStatus({ state: "loading", badge: "loading the model …" });
    const received = (bytes: number) =>
      setStatus({ state: "loading", badge: `loading the model, ${(bytes / 1e6).toFixed(1)} MB …` });
    load(place, received).then(
      (backend) => {
        setStatus({ state: "ready", badge: badgeOf(backend) });
        keepPage();
      },
      (error) => setStatus({ state: "failed", badge: "no model", problem: messageOf(error) }),
    );
  };
  useEffect(() => start(builtIn), []);
  useEffect(() => {
    const told = ({ data }: MessageEvent<{ notKept?: string; why?: string }>) => {
      if (data.notKept)
        setKept(`This page cannot be kept for use without a network (${data.why}); free some space for the browser.`);
    };
    navigator.serviceWorker?.addEventListener("message", told);
    return () => navigator.serviceWorker?.removeEventListener("message", told);
  }, []);
  const problem = [status.problem, kept].filter(Boolean).join(" ");
  return { ...status, ...(problem ? { problem } : {}), load: start };
}

/** Keeps the page for use without a network, once its files are here; without service workers it is not kept. */
function keepPage(): void {
  navigator.serviceWorker?.register("./service-worker.js").catch(() => {});
}

function badgeOf({ device, threads, milliseconds }: Backend & { milliseconds: number }): string {
  const where = device === "webgpu" ? "WebGPU" : `WebAssembly, ${threads} ${threads === 1 ? "thread" : "threads"}`;
  return `${where} · loaded in ${(milliseconds / 1000).toFixed(1)} s`;
}

export function ModelPanel({ model }: { model: Model }) {
  const [address, setAddress] = useState("");
  return (
    <section>
      <h2>Model</h2>
      {model.problem && (
        <p class="problem" role="alert">
          {model.problem}
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          model.load(address === "" ? builtIn : new URL(address, location.href).href);
        }}
      >
        <label for="address">Address of a model folder (empty: the built-in model)</label>
        <input
          id="address"
          type="text"
          inputMode="url"
          value={address}
          onInput={({ currentTarget }) => setAddress(currentTarget.value)}
        />
        <div class="row" style={{ marginTop: "0.5rem" }}>
          <button type="submit">Load</button>
          <span class="button">
            <label style={{ margin: 0, cursor: "pointer", fontWeight: 400 }}>
              Choose a folder
              <input
                class="hidden"
                type="file"
                {...{ webkitdirectory: true }}
                onChange={({ currentTarget }) => {
                  const files = [...(currentTarget.files ?? [])];
                  if (files.length > 0) model.load(Object.fromEntries(files.map((file) => [file.name, file])));
                }}
              />
            </label>
          </span>
        </div>
      </form>
    </section>
  );
}
