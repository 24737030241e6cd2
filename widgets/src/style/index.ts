// The style sheet of the shadow root, one file a region, in the order in which later ones win.

import base from "./base.css";
import bell from "./bell.css";
import conflicts from "./conflicts.css";
import controls from "./controls.css";
import floor from "./floor.css";
import graph from "./graph.css";
import head from "./head.css";
import inspector from "./inspector.css";
import markdown from "./markdown.css";
import places from "./places.css";
import question from "./question.css";
import record from "./record.css";
import states from "./states.css";
import tape from "./tape.css";
import tasks from "./tasks.css";
import timeline from "./timeline.css";
import tokens from "./tokens.css";
import widths from "./widths.css";

export default [
  tokens,
  base,
  states,
  head,
  places,
  tasks,
  graph,
  floor,
  question,
  inspector,
  record,
  controls,
  bell,
  markdown,
  conflicts,
  timeline,
  tape,
  widths,
].join("\n");
