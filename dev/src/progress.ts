const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** One line per part: what it does now, then how long it took. */
export interface Progress {
  begin(name: string): void;
  /** The current step of a part, if it takes long. */
  detail(text: string): void;
  done(note?: string): void;
  /** Ends the line of a part that failed to start. */
  fail(why: string): void;
}

interface Terminal {
  isTTY?: boolean;
  write(text: string): unknown;
}

/** A spinner on a terminal. Elsewhere (log, CI), only plain lines. */
export const createProgress = (out: Terminal): Progress => {
  let [name, detail, since, frame] = ['', '', 0, 0];
  let timer: NodeJS.Timeout | undefined;

  const line = (mark: string, text: string): string => {
    const seconds = `${((Date.now() - since) / 1000).toFixed(1)} s`;
    return `  ${mark} ${name.padEnd(12)} ${seconds.padStart(6)}  ${text}`.trimEnd();
  };
  const rewrite = (text: string): unknown => out.write(out.isTTY ? `\r\x1b[2K${text}` : text);
  const end = (mark: string, note: string): void => {
    clearInterval(timer);
    if (name) rewrite(`${line(mark, note)}\n`);
    name = '';
  };

  return {
    begin(next) {
      [name, detail, since, frame] = [next, '', Date.now(), 0];
      if (!out.isTTY) return;
      timer = setInterval(() => rewrite(line(FRAMES[frame++ % FRAMES.length]!, detail)), 80);
      timer.unref();
    },
    detail(text) {
      detail = text;
      if (!out.isTTY) out.write(`${line('…', text)}\n`);
    },
    done: (note = '') => end('✓', note),
    fail: (why) => end('✗', why),
  };
};
