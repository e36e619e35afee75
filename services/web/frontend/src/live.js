// Server-sent events that rest while nobody looks at the page.

const QUIET_MS = 400;

/**
 * Call `changed(data)` soon after events of this kind; several at once are one call.
 * A browser keeps only six connections to a site, so hidden pages give theirs back.
 */
export function follow(address, kind, changed) {
  let source = null;
  let timer = 0;
  let missed = false;

  function soon(data) {
    clearTimeout(timer);
    timer = setTimeout(() => changed(data), QUIET_MS);
  }

  function open() {
    if (source !== null || document.hidden) return;
    source = new EventSource(address);
    source.addEventListener(kind, (event) => soon(event.data));
    if (missed) soon(null);
    missed = false;
  }

  function close() {
    source?.close();
    source = null;
    missed = true;
  }

  document.addEventListener("visibilitychange", () =>
    document.hidden ? close() : open(),
  );
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
