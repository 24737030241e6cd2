// What `bench/board.py` puts into its pages: a model that plays recorded messages to the board, and a watch on frames.

globalThis.bench = {
  delivered: 0,

  /** Mount the board and play each file's messages to it, one every `tick` ms; `ends` has where each message ends. */
  async mount(source, ends, tick) {
    const files = document.querySelector("input").files;
    const listeners = {};
    let snap = JSON.parse(await files[0].slice(0, ends[0][0]).text());
    const acknowledge = ({ kind, id }) => {
      const refused = kind === "hello" ? {} : { error: "Nobody answers here: it is a benchmark." };
      listeners["msg:custom"]({ kind: "ack", id, ...refused });
    };
    const model = {
      get: () => snap,
      on: (name, callback) => (listeners[name] = callback),
      off: () => {},
      send: (message) => queueMicrotask(() => acknowledge(message)),
    };
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const widget = (await import(url)).default();
    await widget.initialize({ model });
    widget.render({ model, el: document.querySelector("#board") });
    const take = (message) => {
      if (message.kind === "patch") return listeners["msg:custom"](message);
      // The real board sends the whole as a trait.
      snap = message;
      listeners["change:snap"]();
    };
    void this.play(files, ends, tick, take);
  },

  async play(files, ends, tick, take) {
    // The files stay on the disk: what waits to be played is no part of the page's heap.
    const began = performance.now();
    for (const [number, file] of [...files].entries()) {
      let start = 0;
      for (const end of ends[number]) {
        const text = await file.slice(start, end).text();
        start = end;
        const wait = began + this.delivered * tick - performance.now();
        if (wait > 0) await new Promise((done) => setTimeout(done, wait));
        take(JSON.parse(text));
        this.delivered += 1;
      }
    }
  },

  /** Milliseconds from frame to frame, and of the tasks that took 50 ms or more, for some seconds. */
  async watch(seconds) {
    const long = [];
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) long.push(entry.duration);
    });
    observer.observe({ type: "longtask" });
    const delivered = this.delivered;
    const times = [];
    await new Promise((done) => {
      const step = (time) => {
        times.push(time);
        if (time - times[0] < seconds * 1000) requestAnimationFrame(step);
        else done();
      };
      requestAnimationFrame(step);
    });
    observer.disconnect();
    return { frames: times.slice(1).map((time, i) => time - times[i]), long, messages: this.delivered - delivered };
  },

  /** Open one of the pictures of the tasks. */
  show(book) {
    document.querySelector("[data-conduct-board]").shadowRoot.querySelector(`[data-book="${book}"]`).click();
  },

  elements() {
    const host = document.querySelector("[data-conduct-board]");
    return host === null ? 0 : host.shadowRoot.querySelectorAll("*").length;
  },
};
