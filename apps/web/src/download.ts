/** Saves a file from the page. */

export function download(name: string, contents: Blob): void {
  const address = URL.createObjectURL(contents);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
