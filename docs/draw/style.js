// The look of the elements. Inside Sphinx's pydata theme they take its colors; light or dark follows color-scheme.

export const STYLE = `
:host {
  --ink: var(--pst-color-text-base, light-dark(#182033, #e9edf6));
  --soft: var(--pst-color-text-muted, light-dark(#56617a, #9eabc4));
  --line: var(--pst-color-border, light-dark(#d8deea, #303a50));
  --panel: var(--pst-color-surface, light-dark(#f5f7fb, #1a2133));
  --accent: var(--pst-color-primary, light-dark(#2f5bea, #8fabff));
  --bar: light-dark(#b4c1de, #46557a);
  --board: radial-gradient(120% 120% at 30% 15%, #27325c 0%, #161d3a 55%, #0d1226 100%);
  --mono: var(--pst-font-family-monospace, ui-monospace, "SF Mono", Menlo, Consolas, monospace);
  display: block; container-type: inline-size; color: var(--ink); line-height: 1.45; text-align: left;
}
* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button, input, select, textarea { font: inherit; color: inherit; }
button {
  min-height: 44px; padding: 0 1rem; white-space: nowrap; border: 1px solid var(--line); border-radius: .6rem; background: var(--panel); cursor: pointer;
  transition: border-color .15s, background .15s;
}
button:hover { border-color: var(--accent); }
small, .state, .note, figcaption { color: var(--soft); font-size: .8rem; }
.state { min-height: 1.45em; overflow-wrap: anywhere; }
.top > * { overflow: hidden; text-overflow: ellipsis; }

.draw { display: grid; grid-template-columns: 20rem 1fr; gap: 1.5rem 2rem; align-items: start; }
.board { position: relative; aspect-ratio: 1; border-radius: 1rem; background: var(--board); overflow: hidden; box-shadow: 0 .75rem 2rem -1rem #0d1226b0, inset 0 0 0 1px #ffffff1f; isolation: isolate; }
.board canvas { position: absolute; inset: 0; width: 100%; height: 100%; mix-blend-mode: screen; touch-action: none; cursor: crosshair; border-radius: inherit; }
.board:focus-within:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 3px; }
.board canvas:focus-visible { outline: none; }
.hint { position: absolute; inset: 0; display: grid; place-items: center; color: #ffffff70; font-size: 1.1rem; letter-spacing: .02em; pointer-events: none; transition: opacity .2s; }
.used .hint { opacity: 0; }
.keys { position: absolute; inset: auto 0 0; padding: .4rem .6rem; color: #fffffff0; background: #0d1226b0; font-size: .8rem; text-align: center; pointer-events: none; visibility: hidden; }
.board:has(:focus-visible) .keys { visibility: visible; }
.ring { position: absolute; width: 22px; height: 22px; margin: -11px; border: 2px solid #fff; border-radius: 50%; pointer-events: none; opacity: 0; }
.board:has(:focus-visible) .ring { opacity: .8; }
.ring.down { background: #ffffffb0; }
.hovered { outline: 3px dashed var(--accent); outline-offset: 3px; }
.tools { display: flex; gap: .6rem; align-items: center; margin-top: .9rem; }
figure { display: flex; align-items: center; gap: .55rem; margin-left: auto; }
figcaption { width: 3.4rem; line-height: 1.2; }
.seen { width: 52px; height: 52px; image-rendering: pixelated; border-radius: .4rem; background: #000; }
.examples { display: grid; grid-template-columns: repeat(6, 1fr); gap: .4rem; margin-top: .9rem; }
.example { padding: 0; aspect-ratio: 1; min-height: 0; border-radius: .5rem; overflow: hidden; background: #000; }
.example .seen { width: 100%; height: 100%; border-radius: 0; display: block; image-rendering: auto; }

.top { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 1rem; margin-bottom: .75rem; min-height: 3.4rem; }
.verdict { font-size: 1.25rem; min-height: 2.9rem; line-height: 2.9rem; }
.verdict b { font-size: 2.6rem; line-height: 1; font-weight: 700; color: var(--accent); margin-right: .3rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem; }
.card { border: 1px solid var(--line); border-radius: .8rem; background: var(--panel); padding: .7rem .8rem .5rem; }
.card h3 { font: 600 .95rem/1.3 var(--mono); color: inherit; }
.card header small { display: block; font-size: .67rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.said { display: flex; align-items: baseline; gap: .5rem; min-height: 2.9rem; }
.said output { font-size: 2.2rem; line-height: 1.3; font-weight: 650; font-variant-numeric: tabular-nums; }
.columns { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 3px; }
.column { text-align: center; font: .68rem/1.5 var(--mono); color: var(--soft); }
.column i { display: block; height: var(--tall, 4.4rem); border-radius: 2px; background: var(--bar); transform-origin: bottom; transform: scaleY(0); transition: transform .18s ease-out; }
.column.best { color: var(--accent); font-weight: 700; }
.column.best i { background: var(--accent); }

.zone { border: 2px dashed var(--line); border-radius: 1rem; padding: 1.5rem; text-align: center; display: grid; gap: .75rem; justify-items: center; }
.place { margin-top: 1rem; }
.place:empty { display: none; }
code { font-family: var(--mono); font-size: .9em; }
.place:has(.picture) { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 1rem 2rem; }
.picture { max-width: 20rem; }
.note { margin-top: .75rem; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem; align-items: end; }
.field span { display: block; font-size: .85rem; color: var(--soft); overflow-wrap: anywhere; }
.field input, .field select, textarea { width: 100%; min-height: 44px; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--panel); }
textarea { resize: vertical; display: block; }
.quotes { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .6rem; }
.quote { font-size: .85rem; min-height: 36px; border-radius: 1.2rem; text-align: left; padding: .3rem .9rem; white-space: normal; }
.answer { margin-top: .9rem; display: grid; gap: .35rem; max-width: 36rem; }
.line { display: grid; grid-template-columns: minmax(5.5rem, auto) 1fr 4.2rem; gap: .75rem; align-items: center; font-size: .95rem; }
.track { height: .7rem; border-radius: .35rem; background: var(--panel); overflow: hidden; box-shadow: inset 0 0 0 1px var(--line); }
.track i { display: block; height: 100%; background: var(--bar); transform-origin: left; transition: transform .18s ease-out; }
.line b { font-weight: 400; text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; }
.best span, .best b { font-weight: 650; color: var(--ink); }
.best .track i { background: var(--accent); }
.number { font-size: 1.8rem; font-weight: 650; font-variant-numeric: tabular-nums; }

@container (min-width: 58rem) { .cards { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
@container (max-width: 46rem) {
  .draw { grid-template-columns: minmax(0, 1fr); }
  .draw { gap: .75rem; }
  .left, .right { display: contents; }
  .top { order: -1; margin: 0; display: block; white-space: nowrap; } /* of one height, whatever it says */
  .board, .tools, .examples { width: 100%; max-width: 22rem; margin: 0 auto; }
  .column { --tall: 2.6rem; }
  .cards { grid-template-columns: repeat(2, 1fr); gap: .5rem; }
  .card { padding: .55rem .6rem .4rem; }
}
.cards:has(> :only-child) { grid-template-columns: 1fr; }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
`;
