/**
 * The processes' log files. They write to them directly: a pipe through the supervisor would slow them
 * down, and would fill up when the supervisor stands still. What the person at the terminal should see
 * is read back from the files, a few times a second.
 *
 * Over 64 MiB a file is copied to `<name>.log.1` and cut to nothing, since its writers keep it open.
 * Lines written between the two steps, some microseconds, are lost.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { copyFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'

const READ_EVERY_MS = 250
const LARGEST_BYTES = 64 * 1024 * 1024
/** Read at one time; of a file that grows faster, the rest is skipped. */
const READ_BYTES = 4 * 1024 * 1024

export interface LogFiles {
  path(name: string): string
  /**
   * A descriptor to append with, and where the file ended before; the caller closes it. Undefined when the
   * file cannot be opened: a process without a log is better than none.
   */
  open(name: string): { fd: number; from: number } | undefined
  /** The last lines written since `from`. */
  lastLines(name: string, from: number, count: number): string[]
  /** Reads what is new now rather than at the next turn. */
  poll(): void
  close(): void
}

export function openLogFiles(options: {
  folder: string
  onLine: (name: string, line: string) => void
  largestBytes?: number
}): LogFiles {
  const { folder, onLine, largestBytes = LARGEST_BYTES } = options
  const positions = new Map<string, number>()
  const rotating = new Set<string>()
  const path = (name: string) => join(folder, `${name}.log`)

  const rotate = async (name: string) => {
    rotating.add(name)
    try {
      await copyFile(path(name), `${path(name)}.1`)
      await truncate(path(name))
      positions.set(name, 0)
    } catch {
      // A full disk, most likely: the file goes on growing, and the next turn tries again.
    } finally {
      rotating.delete(name)
    }
  }

  const poll = () => {
    for (const [name, last] of positions) {
      const { text, size, position } = readFrom(path(name), last, READ_BYTES)
      const complete = text.subarray(0, text.lastIndexOf('\n') + 1)
      // A line without an end that fills the buffer will not get one.
      const skip = size - position > READ_BYTES || (complete.length === 0 && text.length === READ_BYTES)
      positions.set(name, skip ? size : position + complete.length)
      for (const line of complete.toString('utf8').split('\n')) if (line !== '') onLine(name, line)
      if (size > largestBytes && !rotating.has(name)) void rotate(name)
    }
  }
  const timer = setInterval(poll, READ_EVERY_MS)
  timer.unref()

  return {
    path,
    open(name) {
      try {
        const fd = openSync(path(name), 'a', 0o600)
        const from = fstatSync(fd).size
        if (!positions.has(name)) positions.set(name, from)
        return { fd, from }
      } catch {
        return undefined
      }
    },
    lastLines(name, from, count) {
      const { text } = readFrom(path(name), from, READ_BYTES)
      return text.toString('utf8').trimEnd().split('\n').slice(-count)
    },
    poll,
    close() {
      clearInterval(timer)
      poll()
    },
  }
}

/** From the start when the file is shorter than it was; of one that somebody removed, nothing. */
function readFrom(path: string, last: number, limit: number): { text: Buffer; size: number; position: number } {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const { size } = fstatSync(fd)
    const position = size < last ? 0 : last
    const buffer = Buffer.alloc(Math.min(size - position, limit))
    return { text: buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, position)), size, position }
  } catch {
    return { text: Buffer.alloc(0), size: 0, position: 0 }
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
