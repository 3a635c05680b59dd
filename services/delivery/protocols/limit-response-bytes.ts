/**
 * Closes a connection whose peer sends more bytes to one request than any answer needs.
 *
 * The HTTP client bounds headers, and an attempt the body; but a status line's reason, a chunk's size or
 * extension and blank lines in front of an answer come in no event. Without this bound one endpoint was read
 * at 100 MB/s and more until the attempt's time was up, at the cost of every other delivery of the process.
 *
 * Whatever was read since something was last written belongs to one request: requests are not pipelined.
 */

import type { Socket } from 'node:net'

class ResponseTooLongError extends Error {
  readonly code = 'RESPONSE_TOO_LONG'
}

/** Must be called before anybody else reads of the socket, so that nothing beyond the bound is parsed. */
export function limitResponseBytes(socket: Socket, maxBytes: number): void {
  let written = socket.bytesWritten
  let readBefore = socket.bytesRead
  let read = readBefore
  socket.on('readable', () => {
    if (socket.bytesWritten !== written) {
      written = socket.bytesWritten
      readBefore = read
    }
    read = socket.bytesRead
    if (read - readBefore > maxBytes) socket.destroy(new ResponseTooLongError())
  })
}
