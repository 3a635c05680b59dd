/**
 * Connections that wait for the same name share one look-up.
 *
 * The system's resolver blocks a thread of Node's pool, and only half of the pool (two threads, unless
 * UV_THREADPOOL_SIZE says otherwise) is for such work. A name whose servers do not answer takes about ten
 * seconds; 128 connections to it, each with a look-up of its own, would keep everybody else's names waiting for
 * ten minutes. Answers are not kept: the next connection asks again.
 */

import type { LookupFunction } from 'node:net'

/** @param lookup asked for all addresses of a name, whatever the socket wants; the answer is a list */
export function shareLookups(lookup: LookupFunction): LookupFunction {
  const waiting = new Map<string, Parameters<LookupFunction>[2][]>()
  return (host, options, callback) => {
    const others = waiting.get(host)
    if (others !== undefined) {
      others.push(callback)
      return
    }
    const callbacks = [callback]
    waiting.set(host, callbacks)
    lookup(host, { ...options, all: true }, (error, answer) => {
      waiting.delete(host)
      for (const one of callbacks) one(error, answer)
    })
  }
}
