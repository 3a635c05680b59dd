/** Splits a stream of Redis's protocol (RESP 2) into whole commands or replies, without looking into them. */

/** Takes bytes as they come, and gives the frames that are complete with them. */
export function createFrameSplitter(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const frames: Buffer[] = []
    for (;;) {
      const end = frameEnd(rest, 0)
      if (end === undefined) return frames
      frames.push(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}

/** The bulk strings of a command. */
export function readCommand(frame: Buffer): Buffer[] {
  const parts: Buffer[] = []
  let at = frame.indexOf('\r\n') + 2
  while (at < frame.length) {
    const lineEnd = frame.indexOf('\r\n', at)
    const length = Number(frame.subarray(at + 1, lineEnd).toString('latin1'))
    parts.push(frame.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
  return parts
}

/** @returns where the frame that begins at `at` ends; undefined while it is not complete */
function frameEnd(bytes: Buffer, at: number): number | undefined {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd === -1) return undefined
  const kind = String.fromCharCode(bytes[at] ?? 0)
  const next = lineEnd + 2
  if (kind === '+' || kind === '-' || kind === ':') return next
  const length = Number(bytes.subarray(at + 1, lineEnd).toString('latin1'))
  if (!Number.isInteger(length)) throw new Error(`Not RESP 2: a frame begins with ${JSON.stringify(kind)}`)
  if (kind === '$') {
    const end = length < 0 ? next : next + length + 2
    return end <= bytes.length ? end : undefined
  }
  if (kind !== '*') throw new Error(`Not RESP 2: a frame begins with ${JSON.stringify(kind)}`)
  let end: number | undefined = next
  for (let element = 0; element < length; element++) {
    end = frameEnd(bytes, end)
    if (end === undefined) return undefined
  }
  return end
}
