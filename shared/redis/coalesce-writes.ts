/**
 * Lets commands issued in one turn of the event loop leave in one write to the socket.
 *
 * Measured: XADD of 1.5 KiB in 15 fields, 64 in flight, AOF everysec, Redis 7.0 and the client sharing two busy cores,
 * commands/s in two runs: one write a command 70,000 and 88,000; the driver's own autopipelining 70,000 and
 * 79,000; this 107,000 and 132,000. Autopipelining was rejected for another reason too: it sends a batch
 * only when the one before is answered, so that with a silent server a command waits for two timeouts.
 */

import type { Redis } from 'ioredis'

/** Call right before issuing a command. */
export function coalesceWrites(redis: Redis): void {
  const { stream } = redis
  if (stream === undefined || corked.has(stream)) return
  corked.add(stream)
  stream.cork()
  setImmediate(() => {
    corked.delete(stream)
    stream.uncork()
  })
}

const corked = new WeakSet<object>()
