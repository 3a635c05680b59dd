/**
 * The message that a lane publishes as its n-th: the subscriber makes it again and compares, so that a body that is
 * altered, cut or another's is noticed. Pure.
 */

import { createHash } from 'node:crypto'

const HEAD = /^\{"lane":(\d{1,6}),"n":(\d{1,9}),"text":"/

/** @param bytes of the whole text, all ASCII; short ones hold no more than the numbers */
export function messageBody({ lane, n, bytes }: { lane: number; n: number; bytes: number }): string {
  const head = `{"lane":${lane},"n":${n},"text":"`
  const tail = '"}'
  const room = Math.max(0, bytes - head.length - tail.length)
  const unit = createHash('sha256').update(head).digest('base64url')
  return `${head}${unit.repeat(Math.ceil(room / unit.length)).slice(0, room)}${tail}`
}

/** @returns undefined when the text is not one that `messageBody` made */
export function readMessageBody(text: string): { lane: number; n: number } | undefined {
  const [, lane, n] = HEAD.exec(text) ?? []
  if (lane === undefined || n === undefined) return undefined
  const numbers = { lane: Number(lane), n: Number(n) }
  return messageBody({ ...numbers, bytes: text.length }) === text ? numbers : undefined
}
