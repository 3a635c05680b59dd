/**
 * Tells that a key holds another type of value than ours.
 *
 * Every key here is written with one type for ever, so that answer means that somebody else writes to
 * this Redis: whoever meets it raises an alarm, as with a record whose MAC does not fit.
 */

import { RedisReplyError } from './errors.ts'

/** @param error what `redisCall` threw */
export function isWrongType(error: unknown): boolean {
  return error instanceof RedisReplyError && error.replyCode === 'WRONGTYPE'
}
