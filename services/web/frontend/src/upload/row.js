// One file of the upload page, from the queue to its point.

const WORDS = {
  received: "Received",
  calibrating: "Being calibrated",
  waiting: "Waiting",
  recording: "Being recorded",
  done: "Done",
  failed: "Failed",
  deleted: "Deleted",
};
const FINAL = new Set(["done", "failed", "deleted"]);

export class FileRow {
  constructor(list, file, query, onAgain) {
    this.file = file;
    this.query = query;
    this.phase = "queued";
    this.productId = null;
    this.heardAt = 0;
    this.request = null;
    const template = document.getElementById("file-row");
    this.element = template.content.firstElementChild.cloneNode(true);
    this.#part(".file-name").textContent = file.name;
    this.#part(".file-size").textContent = `${(file.size / 1e6).toFixed(1)} MB`;
    this.#say("", "Waits for its turn");
    this.#button("stop").addEventListener("click", () => this.stop());
    this.#button("again").addEventListener("click", () => {
      this.phase = "queued";
      this.#say("", "Waits for its turn");
      this.#button("again").hidden = true;
      onAgain();
    });
    list.prepend(this.element);
  }

  #part = (selector) => this.element.querySelector(selector);
  #button = (name) => this.#part(`[data-act="${name}"]`);

  #say(state, word, message = "") {
    const label = this.#part(".state");
    label.className = `state ${state}`;
    label.textContent = word;
    this.#part(".file-message").textContent = message;
  }

  start() {
    this.phase = "sending";
    this.#part("progress").hidden = false;
    this.#say("", "Sending");
    this.#button("stop").hidden = false;
  }

  progress(loaded, total) {
    this.#part("progress").value = loaded / total;
    const percent = Math.floor((100 * loaded) / total);
    this.#say("", loaded < total ? `Sending, ${percent} %` : "Being checked");
  }

  stop() {
    if (this.phase === "queued") this.fail("Stopped.", true);
    else this.request?.abort();
  }

  fail(sentence, canTryAgain) {
    this.phase = "failed";
    this.#part("progress").hidden = true;
    this.#say("failed", "Not uploaded", sentence);
    this.#button("stop").hidden = true;
    this.#button("again").hidden = !canTryAgain;
  }

  /** Show what is known of the data product; older news never undo newer ones. */
  show(product) {
    if (this.modifiedAt && product.modified_at < this.modifiedAt) return;
    this.modifiedAt = product.modified_at;
    this.productId = product.data_product_id;
    this.heardAt = Date.now();
    const final = FINAL.has(product.state);
    this.phase = !final ? "working" : product.state === "done" ? "done" : "failed";
    const advice = product.state === "failed" ? product.advice : "";
    const message = [product.message, advice].filter(Boolean).join(" ");
    this.#part("progress").hidden = true;
    this.#button("stop").hidden = true;
    this.#say(product.state, WORDS[product.state] ?? product.state, message);
    this.#link("details", `/uploads/${product.data_product_id}`);
    const isCurve = product.state === "done" && product.target_id && !product.dry_run;
    if (isCurve) this.#link("curve", `/targets/${product.target_id}`);
  }

  #link(name, address) {
    const link = this.#button(name);
    link.href = address;
    link.hidden = false;
  }

  /** Whether there should have been news by now. */
  isPending(milliseconds) {
    return this.phase === "working" && Date.now() - this.heardAt > milliseconds;
  }
}
