/** The page: pictures, a question, boxes. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Box, ScoreMap } from "../../../src/web.ts";
import { ExportPanel } from "./export-panel.tsx";
import { type Asked, linkOf, readLink } from "./link.ts";
import { ModelPanel, useModel } from "./model-panel.tsx";
import type { Answer, Found, Question } from "./model-worker.ts";
import { filesIn, type GivenPicture, givenPicture } from "./pictures.ts";
import { Stage, scoresIn } from "./stage.tsx";
import { type Lesson, TeachPanel } from "./teach-panel.tsx";
import { WordList } from "./word-list.tsx";
import { worker } from "./worker-client.ts";

/** Milliseconds after the last key before the question is asked. */
const PAUSE = 250;

export function App() {
  const model = useModel();
  const [pictures, setPictures] = useState<readonly GivenPicture[]>([]);
  const [at, setAt] = useState(0);
  const [asked, setAsked] = useState<Asked>(() => readLink(location.hash));
  const [taught, setTaught] = useState<readonly string[]>();
  const [problem, setProblem] = useState<string>();
  const [emphasised, setEmphasised] = useState<string>();
  const [hovered, setHovered] = useState<Found>();
  const [mapOf, setMapOf] = useState<string>();
  const [zoom, setZoom] = useState(1);
  const [lessons, setLessons] = useState<readonly Lesson[]>([]);
  const [drawing, setDrawing] = useState<string>();
  const [isOver, setOver] = useState(false);
  const picture = pictures[at];
  const question = questionOf(asked, taught);
  const answers = useAnswers({ pictures, question, ready: model.state === "ready", tell: setProblem });
  const answer = picture && answers.get(picture);
  const shown = (answer?.found ?? []).filter(({ score }) => score >= asked.threshold);
  const maps = useMaps(picture, question, model.state === "ready" && Boolean(mapOf ?? hovered));

  const add = async (files: readonly Blob[]) => {
    setProblem(undefined);
    for (const file of files)
      try {
        const given = await givenPicture(file, file instanceof File ? file.name : "pasted picture");
        setPictures((before) => {
          setAt(before.length);
          return [...before, given];
        });
      } catch (error) {
        setProblem(messageOf(error));
      }
  };
  useEffect(() => {
    const paste = ({ clipboardData }: ClipboardEvent) => void add(filesIn(clipboardData));
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, []);
  useEffect(() => {
    const over = (event: DragEvent) => {
      event.preventDefault();
      setOver(true);
    };
    const leave = () => setOver(false);
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      void add(filesIn(event.dataTransfer));
    };
    const events = { dragover: over, dragleave: leave, drop };
    for (const [name, listener] of Object.entries(events)) addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of Object.entries(events)) removeEventListener(name, listener as EventListener);
    };
  }, []);
  useEffect(() => history.replaceState(null, "", linkOf(asked)), [asked]);

  const chooser = (text: string, main: boolean) => (
    <span class={main ? "button main" : "button"}>
      <label style={{ margin: 0, cursor: "pointer" }}>
        {text}
        <input
          class="hidden"
          type="file"
          accept="image/*"
          multiple
          onChange={({ currentTarget }) => {
            void add([...(currentTarget.files ?? [])]);
            currentTarget.value = "";
          }}
        />
      </label>
    </span>
  );
  const draw = (box: Box) => {
    if (picture && drawing) setLessons((before) => [...before, { picture, label: drawing, box }]);
  };

  return (
    <div>
      <header>
        <h1>Groundling</h1>
        <span class="quiet">Find things in pictures by words. Nothing leaves this page.</span>
        <span class="badge" role="status">
          {model.badge}
          {answer && ` · found in ${Math.round(answer.milliseconds)} ms`}
        </span>
      </header>
      <main>
        <div>
          <section aria-label="Question">
            <label for="text">
              {asked.kind === "names" ? "What to find, separated by points" : "A caption, whose phrases are found"}
            </label>
            <input
              id="text"
              type="text"
              autocomplete="off"
              value={asked.text}
              disabled={taught !== undefined}
              onInput={({ currentTarget }) => setAsked({ ...asked, text: currentTarget.value })}
            />
            <fieldset>
              <legend class="hidden">Kind of text</legend>
              {(["names", "caption"] as const).map((kind) => (
                <label key={kind}>
                  <input
                    type="radio"
                    name="kind"
                    checked={asked.kind === kind}
                    disabled={taught !== undefined}
                    onChange={() => setAsked({ ...asked, kind })}
                  />{" "}
                  {kind === "names" ? "Names" : "Caption"}
                </label>
              ))}
            </fieldset>
            {taught && (
              <p class="row">
                Finding what was taught: {taught.join(", ")}
                <button type="button" onClick={() => setTaught(undefined)}>
                  Back to words
                </button>
              </p>
            )}
            {answer?.remarks.map((remark) => (
              <p key={remark} class="quiet">
                {remark}
              </p>
            ))}
          </section>
          {problem && (
            <p class="problem" role="alert">
              {problem}
            </p>
          )}
          {picture ? (
            <>
              <div class="row" style={{ marginBottom: "0.5rem" }}>
                {chooser("Add pictures", false)}
                <button type="button" onClick={() => setZoom(Math.max(1, zoom / 1.5))} disabled={zoom <= 1}>
                  Zoom out
                </button>
                <button type="button" onClick={() => setZoom(Math.min(8, zoom * 1.5))} disabled={zoom >= 8}>
                  Zoom in
                </button>
                <span class="quiet" aria-live="polite">
                  {answer ? `${shown.length} ${shown.length === 1 ? "box" : "boxes"}` : "looking …"}
                </span>
              </div>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls when zoomed, also by keyboard. */}
              <section class="view" tabIndex={0} aria-label="Picture">
                <Stage
                  picture={picture}
                  found={shown}
                  emphasised={emphasised ?? hovered?.label}
                  map={maps.find(({ label }) => label === mapOf)}
                  zoom={zoom}
                  drawn={lessons.filter((lesson) => lesson.picture === picture)}
                  draw={drawing ? draw : undefined}
                  hover={setHovered}
                />
              </section>
              <p class="quiet" style={{ minHeight: "1.5em" }}>
                {hovered &&
                  scoresIn(maps, hovered.box, picture.pixels)
                    .map(({ label, score }) => `${label} ${Math.round(100 * score)} %`)
                    .join(" · ")}
              </p>
              {pictures.length > 1 && (
                <div class="pictures">
                  {pictures.map((one, i) => (
                    <button
                      key={one.address}
                      type="button"
                      aria-pressed={i === at}
                      aria-label={`Show ${one.name}`}
                      onClick={() => setAt(i)}
                    >
                      <img src={one.address} alt="" />
                    </button>
                  ))}
                </div>
              )}
            </>
          ) : (
            <div class={isOver ? "drop over" : "drop"}>
              <p>Drop or paste pictures here, or</p>
              {chooser("Choose or take a picture", true)}
            </div>
          )}
        </div>
        <aside aria-label="Results and tools">
          <section>
            <label for="threshold">Least score: {Math.round(100 * asked.threshold)} %</label>
            <input
              id="threshold"
              type="range"
              min="0.1"
              max="1"
              step="0.01"
              value={asked.threshold}
              onInput={({ currentTarget }) => setAsked({ ...asked, threshold: Number(currentTarget.value) })}
            />
          </section>
          <WordList
            found={shown}
            emphasise={setEmphasised}
            mapOf={mapOf}
            showMap={setMapOf}
            labels={labelsOf(question, answer)}
          />
          <TeachPanel
            lessons={lessons}
            setLessons={setLessons}
            drawing={drawing}
            setDrawing={setDrawing}
            ready={model.state === "ready" && picture !== undefined}
            taught={taught}
            setTaught={setTaught}
            tell={setProblem}
          />
          <ExportPanel
            seen={pictures.map((one) => ({
              ...{ name: one.name, width: one.pixels.width, height: one.pixels.height },
              found: (answers.get(one)?.found ?? []).filter(({ score }) => score >= asked.threshold),
            }))}
            picture={picture}
          />
          <ModelPanel model={model} />
        </aside>
      </main>
    </div>
  );
}

function questionOf({ text, kind }: Asked, taught: readonly string[] | undefined): Question | undefined {
  if (taught) return "taught";
  if (text.trim() === "") return undefined;
  return kind === "names" ? { names: text } : { caption: text };
}

/** The words of a question in their order, for the list. */
function labelsOf(question: Question | undefined, answer: Answer | undefined): string[] {
  const found = (answer?.found ?? []).map(({ label }) => label);
  const own = question && question !== "taught" && "names" in question ? question.names.split(".") : [];
  return [...new Set([...own.map((word) => word.trim()).filter(Boolean), ...found])];
}

interface Asking {
  pictures: readonly GivenPicture[];
  question: Question | undefined;
  ready: boolean;
  tell(problem: string | undefined): void;
}

/** The answer for each picture to the question of now; asked when typing pauses. */
function useAnswers({ pictures, question, ready, tell }: Asking): ReadonlyMap<GivenPicture, Answer> {
  const [answers, setAnswers] = useState<ReadonlyMap<GivenPicture, Answer>>(new Map());
  const key = JSON.stringify(question);
  const known = useRef({ key: "", answers: new Map<GivenPicture, Answer>() });
  useEffect(() => {
    if (!ready || !question) return;
    let isOld = false;
    const ask = async () => {
      if (known.current.key !== key) known.current = { key, answers: new Map() };
      for (const picture of pictures) {
        if (known.current.answers.has(picture)) continue;
        try {
          const answer = await worker.find(picture.pixels, question);
          if (isOld) return;
          known.current.answers.set(picture, answer);
          setAnswers(new Map(known.current.answers));
          tell(undefined);
        } catch (error) {
          if (!isOld) tell(messageOf(error));
          return;
        }
      }
      setAnswers(new Map(known.current.answers));
    };
    const timer = setTimeout(() => void ask(), PAUSE);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [pictures, key, ready]);
  return answers;
}

/** The maps of scores for a picture, once they are wanted. */
function useMaps(
  picture: GivenPicture | undefined,
  question: Question | undefined,
  wanted: boolean,
): readonly ScoreMap[] {
  const [maps, setMaps] = useState<{ key: unknown[]; maps: readonly ScoreMap[] }>({ key: [], maps: [] });
  const key = [picture, JSON.stringify(question)];
  const isKnown = maps.key.every((part, i) => part === key[i]) && maps.key.length > 0;
  useEffect(() => {
    if (!wanted || isKnown || !picture || !question) return;
    let isOld = false;
    worker.maps(picture.pixels, question).then(
      (found) => !isOld && setMaps({ key, maps: found }),
      () => {},
    );
    return () => {
      isOld = true;
    };
  }, [wanted, isKnown, ...key]);
  return isKnown ? maps.maps : [];
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
