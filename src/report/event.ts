export type LayerState = 'hit' | 'run' | 'fail';

/** What a build tells while it goes on. Times are seconds, sizes bytes, paths latin1-decoded byte strings. */
export type BuildEvent =
  /** The build enters a stage: "Resolving packages", "Merging". */
  | { readonly kind: 'stage'; readonly name: string }
  /** Files fetched so far, and in all. */
  | {
      readonly kind: 'download';
      readonly done: number;
      readonly total: number;
      readonly bytes: number;
      readonly totalBytes: number;
    }
  /** How many layers the build consists of; a later one replaces it, as settle's layers become known late. */
  | { readonly kind: 'planned'; readonly layers: number }
  /** A layer begins to run, and why it was not taken from the store. With seconds: it has been running that long for an earlier build. */
  | {
      readonly kind: 'layer-start';
      readonly name: string;
      readonly reason: string;
      readonly seconds?: number;
    }
  /** A layer that ran was stopped: what it is made from has changed. */
  | { readonly kind: 'layer-stop'; readonly name: string }
  /** The conf's lock has been written. */
  | { readonly kind: 'lock'; readonly file: string }
  /** What a running layer is at: "12 packages", "do_run", "capture". */
  | { readonly kind: 'layer-step'; readonly name: string; readonly step: string }
  /** More than most want to know of a running layer. */
  | { readonly kind: 'detail'; readonly name: string; readonly text: string }
  /** A layer is there or has failed. A hit has no `layer-start`. */
  | {
      readonly kind: 'layer-end';
      readonly name: string;
      readonly state: LayerState;
      readonly seconds: number;
      readonly reason: string;
      readonly key?: string;
      /** Of a failure: what a person needs to see, as printed by the scriptlet. */
      readonly lines?: readonly string[];
      /** Path of the full log. */
      readonly log?: string;
    }
  /** `later` runs on top of `earlier` from now on, since both write `path`. */
  | { readonly kind: 'learned'; readonly later: string; readonly earlier: string; readonly path: string }
  /** A name of a user or a group got an id, now in the lock's ledger. */
  | { readonly kind: 'ids'; readonly what: 'uid' | 'gid'; readonly name: string; readonly id: number }
  | { readonly kind: 'note'; readonly text: string }
  /** The image is in its place. */
  | { readonly kind: 'image'; readonly path: string; readonly paths: number; readonly bytes: number };

export type Report = (event: BuildEvent) => void;
