/**
 * One JSON line an event, to standard output. The one place that knows pino and the one that prints.
 *
 * An event has a name (`delivery.attempted`) and flat fields. Errors are reduced by `describeError`
 * before they come here as `error`, so that no library object is ever serialised.
 */

import pino from 'pino'
import { describeError } from '#shared/errors'
import { createLineWriter, type LineWriter } from './line-writer.ts'

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields, error?: unknown): void
  error(event: string, fields?: Fields, error?: unknown): void
  /** Something tried to make us accept forged or altered data, or integrity failed: operators alert on `alarm`. */
  alarm(event: string, fields?: Fields, error?: unknown): void
  /** Writes what is buffered; called before exit. */
  flush(): void
}

/**
 * @param o.destination a file descriptor; 1 unless told
 * @param o.writer takes the lines instead: where several threads write, one writes for all, so that lines stay whole
 * @param o.thread on each line, where a service has several
 */
export function createLog(o: { service: string; destination?: number; writer?: LineWriter; thread?: number }): Log {
  // Asynchronous: a synchronous write a delivery would put every slow pipe in the path of messages.
  const writer = o.writer ?? createLineWriter(o.destination ?? 1)
  process.once('exit', () => writer.flush())
  const base = pino(
    {
      base: o.thread === undefined ? { service: o.service } : { service: o.service, thread: o.thread },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    writer,
  )
  const merge = (event: string, fields: Fields | undefined, error: unknown) =>
    error === undefined ? { event, ...fields } : { event, ...fields, error: describeError(error) }
  return {
    info: (event, fields) => base.info(merge(event, fields, undefined)),
    warn: (event, fields, error) => base.warn(merge(event, fields, error)),
    error: (event, fields, error) => base.error(merge(event, fields, error)),
    alarm: (event, fields, error) => base.error({ alarm: true, ...merge(event, fields, error) }),
    flush: () => writer.flush(),
  }
}
