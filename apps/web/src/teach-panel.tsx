/** Teaches the model a name from a few boxes: prompt tuning in the page. */

import { useState } from "preact/hooks";
import type { Box } from "../../../src/web.ts";
import { messageOf } from "./app.tsx";
import { download } from "./download.ts";
import type { GivenPicture } from "./pictures.ts";
import { proxy, worker } from "./worker-client.ts";

/** A box that was drawn, with its name. */
export interface Lesson {
  picture: GivenPicture;
  label: string;
  box: Box;
}

interface TeachPanelProps {
  lessons: readonly Lesson[];
  setLessons(lessons: readonly Lesson[]): void;
  /** The name whose boxes are drawn now. */
  drawing: string | undefined;
  setDrawing(name: string | undefined): void;
  ready: boolean;
  taught: readonly string[] | undefined;
  setTaught(names: readonly string[] | undefined): void;
  tell(problem: string | undefined): void;
}

export function TeachPanel(props: TeachPanelProps) {
  const { lessons, setLessons, drawing, setDrawing, ready, taught, setTaught, tell } = props;
  const [name, setName] = useState("");
  const [done, setDone] = useState<number>();
  const learn = async () => {
    tell(undefined);
    setDrawing(undefined);
    setDone(0);
    try {
      const pictures = [...new Set(lessons.map(({ picture }) => picture))].map((picture) => ({
        image: picture.pixels,
        boxes: lessons.filter((one) => one.picture === picture).map(({ label, box }) => ({ label, box })),
      }));
      const passed = proxy((pass: number, all: number) => setDone(pass / all));
      // A new list, so that it is asked again where something was taught before.
      setTaught(undefined);
      setTaught(await worker.teach(pictures, passed));
    } catch (error) {
      tell(messageOf(error));
    } finally {
      setDone(undefined);
    }
  };
  const open = async (file: File) => {
    try {
      setTaught(await worker.open(await file.arrayBuffer(), file.name));
      tell(undefined);
    } catch (error) {
      tell(messageOf(error));
    }
  };
  const save = async () => download("prompt.safetensors", new Blob([await worker.save()]));
  return (
    <section>
      <h2>Teach it</h2>
      <p class="quiet">
        Name a thing, draw a box around each one in a few pictures, and learn. It works best for things that look alike,
        such as symbols and drawings; photos need more pictures than this and <code>groundling adapt</code>.
      </p>
      <label for="name">Name</label>
      <input
        id="name"
        type="text"
        value={name}
        disabled={done !== undefined}
        onInput={({ currentTarget }) => {
          setName(currentTarget.value);
          setDrawing(undefined);
        }}
      />
      <div class="row" style={{ marginTop: "0.5rem" }}>
        <button
          type="button"
          aria-pressed={drawing !== undefined}
          disabled={!ready || name.trim() === "" || done !== undefined}
          onClick={() => setDrawing(drawing === undefined ? name.trim() : undefined)}
        >
          {drawing === undefined ? "Draw boxes" : "Stop drawing"}
        </button>
        <button
          type="button"
          class="main"
          disabled={!ready || lessons.length === 0 || done !== undefined}
          onClick={learn}
        >
          Learn from {lessons.length} {lessons.length === 1 ? "box" : "boxes"}
        </button>
        <button
          type="button"
          disabled={lessons.length === 0 || done !== undefined}
          onClick={() => setLessons(lessons.slice(0, -1))}
        >
          Undo box
        </button>
      </div>
      {done !== undefined && <progress aria-label="Learning" value={done} />}
      <div class="row" style={{ marginTop: "0.5rem" }}>
        <button type="button" disabled={!taught} onClick={save}>
          Save what was taught
        </button>
        <span class="button">
          <label style={{ margin: 0, cursor: "pointer", fontWeight: 400 }}>
            Open
            <input
              class="hidden"
              type="file"
              accept=".safetensors"
              onChange={({ currentTarget }) => {
                const file = currentTarget.files?.[0];
                if (file) void open(file);
                currentTarget.value = "";
              }}
            />
          </label>
        </span>
      </div>
    </section>
  );
}
