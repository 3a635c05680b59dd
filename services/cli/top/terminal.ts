/**
 * The terminal while `top` has it: another screen, no cursor, keys without Enter; and as it was, whatever ends the process.
 *
 * A frame is written as one piece over the last one, line by line, and never cleared first: nothing flickers.
 */

import type { ReadStream, WriteStream } from 'node:tty'

export interface TerminalStreams {
  input: ReadStream
  output: WriteStream
}

export interface Terminal extends Disposable {
  readonly size: { width: number; rows: number }
  draw(lines: readonly string[]): void
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'
/** Terminals that know it show the frame at once. */
const [BEGIN_FRAME, END_FRAME] = ['\u001b[?2026h', '\u001b[?2026l']
const [HOME, END_OF_LINE, BELOW] = ['\u001b[H', '\u001b[K', '\u001b[J']
const CTRL_C = '\u0003'

/**
 * @param o.onQuit q, Ctrl-C
 * @param o.onResize the size is another
 */
export function takeTerminal(
  { input, output }: TerminalStreams,
  o: { onQuit: () => void; onResize: () => void },
): Terminal {
  const onKey = (keys: Buffer) => {
    const text = keys.toString('latin1')
    if (text === 'q' || text === 'Q' || text.includes(CTRL_C)) o.onQuit()
  }
  let isTaken = true
  const giveBack = () => {
    if (!isTaken) return
    isTaken = false
    process.off('exit', giveBack)
    output.off('resize', o.onResize)
    input.off('data', onKey)
    if (input.isTTY) input.setRawMode(false)
    input.pause()
    output.write(LEAVE)
  }
  // Also when something throws that nobody expects: Node writes it after this, on the screen that was before.
  process.on('exit', giveBack)
  process.on('uncaughtExceptionMonitor', giveBack)
  if (input.isTTY) input.setRawMode(true)
  input.on('data', onKey)
  input.resume()
  output.on('resize', o.onResize)
  output.write(ENTER)
  return {
    get size() {
      return { width: output.columns || 80, rows: output.rows || 24 }
    },
    draw(lines) {
      const text = lines.map((line) => `${line}${END_OF_LINE}`).join('\r\n')
      if (isTaken) output.write(`${BEGIN_FRAME}${HOME}${text}${BELOW}${END_FRAME}`)
    },
    [Symbol.dispose]() {
      process.off('uncaughtExceptionMonitor', giveBack)
      giveBack()
    },
  }
}
