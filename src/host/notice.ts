type Listener = (text: string) => void;

let listener: Listener = () => {};

/** Whoever talks to the person takes what the lower floors have to say that is neither a result nor a failure. */
export function hearNotices(hear: Listener): void {
  listener = hear;
}

/** Tells the person one thing, in one line. */
export function notice(text: string): void {
  listener(text);
}
