// The widget's entry: anywidget calls the default export once for each model. The store lives as long as the model,
// a view as long as its output.

import { Link } from "./link";
import { mount } from "./mount";
import type { Incoming, Model } from "./protocol";
import { Store } from "./store";
import style from "./style";

export default () => {
  const made: { store?: Store; link?: Link } = {};
  return {
    initialize({ model }: { model: Model }) {
      const link = new Link((message) => model.send(message));
      const store = new Store(() => link.sync());
      made.store = store;
      made.link = link;
      const take = (message: Incoming) => {
        if (message.kind === "patch") store.takePatch(message);
        if (message.kind === "snap") {
          store.hear();
          store.takeWhole(message);
        }
        if (message.kind === "ack") {
          store.hear();
          link.acknowledge(message.id, message);
        }
      };
      const refresh = () => {
        // A page that connects gets it with the model; later it is the kernel's own doing.
        if (store.snapshot.peek() !== null) store.hear();
        store.takeWhole(model.get("snap"));
      };
      model.on("msg:custom", take);
      model.on("change:snap", refresh);
      refresh();
      void link.request("hello").then(({ recorded }) => {
        if (recorded === true) store.keep();
      });
      return () => {
        model.off("msg:custom", take);
        model.off("change:snap", refresh);
        link.close();
        store.close();
      };
    },
    render({ el }: { el: HTMLElement }) {
      return made.store && made.link ? mount(el, made.store, made.link, style) : undefined;
    },
  };
};
