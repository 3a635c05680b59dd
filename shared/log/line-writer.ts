/**
 * Writes lines to a file descriptor without ever standing in the way of the process.
 *
 * Lines are buffered and written asynchronously; a reader that is slow costs bounded memory, one that
 * is gone costs nothing: from the first broken pipe on, lines are dropped. pino's own destination
 * retries a broken pipe for ever when it is flushed, so that a service whose reader had died could
 * not end.
 */

import { write, writeSync } from 'node:fs'

export interface LineWriter {
  write(line: string): void
  /** Writes what is buffered before it returns, for at most a second. */
  flush(): void
}

/** A line waits this long for company. */
const FLUSH_PAUSE_MS = 100
/** Written at once when so much has come together, in UTF-16 units. */
const WRITE_UNITS = 16_384
/** Beyond this a stalled reader loses lines rather than we our memory. */
const MAX_BUFFERED_UNITS = 8 * 1024 * 1024
/** Pause before a descriptor that is full is tried again. */
const FULL_PAUSE_MS = 10
const FLUSH_DEADLINE_MS = 1_000

export function createLineWriter(descriptor: number): LineWriter {
  let buffered = ''
  let timer: NodeJS.Timeout | undefined
  let writing = false
  let broken = false

  const schedule = (ms: number) => {
    timer ??= setTimeout(writeBuffered, ms).unref()
  }

  const writeBuffered = () => {
    clearTimeout(timer)
    timer = undefined
    if (writing || broken || buffered === '') return
    writing = true
    const chunk = Buffer.from(buffered, 'utf8')
    buffered = ''
    writeFrom(chunk, 0)
  }

  const writeFrom = (chunk: Buffer, at: number): void => {
    write(descriptor, chunk, at, chunk.byteLength - at, null, (error, written) => {
      if (error !== null && !isFull(error)) {
        broken = true
        buffered = ''
        return
      }
      const next = at + (error === null ? written : 0)
      if (next < chunk.byteLength) {
        setTimeout(() => writeFrom(chunk, next), error === null ? 0 : FULL_PAUSE_MS).unref()
        return
      }
      writing = false
      if (buffered.length >= WRITE_UNITS) writeBuffered()
      else if (buffered !== '') schedule(FLUSH_PAUSE_MS)
    })
  }

  return {
    write(line) {
      if (broken || buffered.length + line.length > MAX_BUFFERED_UNITS) return
      buffered += line
      if (buffered.length >= WRITE_UNITS) writeBuffered()
      else schedule(FLUSH_PAUSE_MS)
    },
    flush() {
      if (broken) return
      const chunk = Buffer.from(buffered, 'utf8')
      buffered = ''
      const deadline = performance.now() + FLUSH_DEADLINE_MS
      for (let at = 0; at < chunk.byteLength; ) {
        try {
          at += writeSync(descriptor, chunk, at)
        } catch (error) {
          if (!isFull(error) || performance.now() > deadline) {
            broken = true
            return
          }
          Atomics.wait(PAUSE, 0, 0, FULL_PAUSE_MS)
        }
      }
    },
  }
}

/** Never notified: waiting on it is a pause. */
const PAUSE = new Int32Array(new SharedArrayBuffer(4))

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
