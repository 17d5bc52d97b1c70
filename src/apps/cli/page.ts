/** `groundling page`: the page that finds and teaches in a browser. */

import type { Command } from "commander";
import { wholeNumber } from "./numbers.ts";
import { print } from "./writing.ts";

/** Adds the command to a program. */
export function addPageCommand(program: Command): void {
  program
    .command("page")
    .description(
      "Serve a page on this machine that finds things in your pictures in the browser, and learns names from boxes you draw. Ends with Ctrl-C.",
    )
    .option("--port <number>", "port; 0 chooses a free one", wholeNumber(0, 65_535), 8017)
    .option("--host <address>", "address to listen on; 127.0.0.1 is reached from this machine only", "127.0.0.1")
    .option("--out <folder>", "write the page into a new folder for any static server, instead of serving it")
    .action(async ({ port, host, out }: { port: number; host: string; out?: string }) => {
      const { pageFolders, writePage } = await import("../page/page-files.ts");
      const folders = pageFolders();
      if (out !== undefined) {
        await writePage(folders, out);
        print(`${out}\n`);
        return;
      }
      const { servePage } = await import("../page/serve-page.ts");
      const { address, close } = await servePage(folders, { host, port });
      print(`${address}\n`);
      await new Promise<void>((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
      });
      await close();
    });
}
